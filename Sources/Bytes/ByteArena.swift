#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Memory that is filled from the front and emptied at once: where rows become text and text becomes bodies.
///
/// It grows by doubling up to `limit` bytes and stops the program beyond it, which only our bug can cause: a writer asks
/// `room` first. Positions stay valid until `removeAll` or `truncate`; spans stay valid until the next change.
///
/// `@usableFromInline` on a package type is what makes its `@inlinable` members inline in other modules; without it the
/// compiler (Swift 6.3.1) says nothing and calls them, which cost a third of staging.
@safe
@usableFromInline package struct ByteArena: ~Copyable {
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  package let limit: Int
  /// Bytes written so far.
  @inlinable package var count: Int { written }
  @usableFromInline var written = 0
  private let ownsMemory: Bool

  /// An empty arena that may hold up to `limit` bytes; memory is taken as it fills.
  package init(limit: Int, reserving capacity: Int = 4096) {
    self.limit = limit
    precondition(limit >= 0)
    self.capacity = min(max(64, capacity), limit)
    ownsMemory = true
    unsafe base = .allocate(byteCount: self.capacity, alignment: 16)
  }

  /// An empty arena in memory that the caller lends it, and that it does not grow out of.
  @unsafe init(lending memory: UnsafeMutableRawPointer, byteCount: Int) {
    limit = byteCount
    capacity = byteCount
    ownsMemory = false
    unsafe base = memory
  }

  deinit { if ownsMemory { unsafe base.deallocate() } }

  /// Bytes that still fit.
  package var room: Int { limit - count }

  /// All bytes written so far.
  package var span: Span<UInt8> {
    @inlinable @inline(__always) @_lifetime(borrow self)
    get {
      // SAFETY: the first `count` bytes are initialised, and the span cannot outlive the borrow of self.
      let bytes = unsafe UnsafeBufferPointer(start: UnsafePointer(base.assumingMemoryBound(to: UInt8.self)), count: count)
      return unsafe _overrideLifetime(Span(_unsafeElements: bytes), borrowing: self)
    }
  }

  @inlinable package mutating func removeAll() { written = 0 }

  /// Takes back everything from `length` on.
  @inlinable package mutating func truncate(to length: Int) {
    precondition(length >= 0 && length <= count)
    written = length
  }

  @inlinable @inline(__always)
  package mutating func append(_ byte: UInt8) {
    if count == capacity { grow(by: 1) }
    // SAFETY: `grow` made sure that count < capacity.
    unsafe base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    written &+= 1
  }

  @inlinable @inline(__always)
  package mutating func append(_ bytes: Span<UInt8>) {
    let length = bytes.count
    if length > capacity &- count { grow(by: length) }
    // SAFETY: `grow` made sure that `length` bytes fit behind `count`; a span of ours is never behind `count`.
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { unsafe (base + count).copyMemory(from: start, byteCount: length) }
    }
    written &+= length
  }

  @inlinable @inline(__always)
  package mutating func append(_ literal: StaticString) {
    let length = literal.utf8CodeUnitCount
    if length > capacity &- count { grow(by: length) }
    // SAFETY: `grow` made sure that the literal's bytes fit behind `count`.
    unsafe (base + count).copyMemory(from: literal.utf8Start, byteCount: length)
    written &+= length
  }

  package mutating func append(_ bytes: [UInt8]) { append(bytes.span) }

  /// Appends a copy of bytes that already lie in this arena.
  @usableFromInline package mutating func appendOwn(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    if range.count > capacity - count { grow(by: range.count) }
    // SAFETY: source and target lie inside the allocation and do not overlap: the target begins at `count`.
    unsafe memcpy(base + count, base + range.lowerBound, range.count)
    written += range.count
  }

  /// Appends `length` zero bytes and returns where they begin.
  @inlinable @inline(__always)
  package mutating func appendZeros(_ length: Int) -> Int {
    precondition(length >= 0)
    if length > capacity &- count { grow(by: length) }
    // SAFETY: `grow` made sure that they fit.
    unsafe (base + count).initializeMemory(as: UInt8.self, repeating: 0, count: length)
    written &+= length
    return count &- length
  }

  /// Writes a whole number over bytes already there, lowest byte first.
  @inlinable @inline(__always)
  package mutating func store<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int) {
    precondition(offset >= 0 && offset &+ MemoryLayout<Number>.size <= count)
    // SAFETY: the line above proves that the bytes lie inside what is initialised.
    unsafe base.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
  }

  /// Writes bytes over others already there.
  package mutating func overwrite(at offset: Int, with bytes: Span<UInt8>) {
    precondition(offset >= 0 && offset + bytes.count <= count)
    // SAFETY: the line above proves that the target lies inside what is initialised.
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress { unsafe memmove(base + offset, start, source.count) }
    }
  }

  /// Appends the decimal digits of a number.
  @usableFromInline package mutating func append(decimal number: Int64) {
    if number < 0 { append(0x2d) }
    var rest = number.magnitude
    // Twenty-four places hold every number of 64 bits; they are filled from the last, eight at once.
    if capacity &- count < 24 { grow(by: 24) }
    var places = InlineArray<3, UInt64>(repeating: 0)
    var first = 2
    while true {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 100_000_000)
      places[first] = eightDigits(UInt32(truncatingIfNeeded: remainder))
      rest = quotient
      if rest == 0 { break }
      first &-= 1
    }
    // The digits of the first eight places that are not leading zeros; a zero has one.
    let zeros = min(7, (places[first] & 0x0f0f_0f0f_0f0f_0f0f).trailingZeroBitCount &>> 3)
    let head = places[first] &>> UInt64(8 &* zeros)
    // SAFETY: `grow` made sure that 24 bytes fit behind `count`; three words at most are stored there.
    unsafe base.storeBytes(of: head.littleEndian, toByteOffset: written, as: UInt64.self)
    written &+= 8 &- zeros
    while first < 2 {
      first &+= 1
      // SAFETY: as above; the words before this one took at most 16 of the 24 bytes.
      unsafe base.storeBytes(of: places[first].littleEndian, toByteOffset: written, as: UInt64.self)
      written &+= 8
    }
  }

  /// Appends the digits of epoch milliseconds, of which there are thirteen for all but the first thirty years and for centuries to come.
  @usableFromInline package mutating func append(milliseconds number: Int64) {
    guard number >= 1_000_000_000_000, number < 10_000_000_000_000 else { return append(decimal: number) }
    let (upper, lower) = UInt64(number).quotientAndRemainder(dividingBy: 100_000_000)
    reserve(13)
    // SAFETY: `reserve` made sure that 13 bytes fit behind `written`: eight from there on, and eight from the sixth on. Three leading
    // zeros of the upper digits are shifted out, and what is shifted in is written over.
    unsafe base.storeBytes(of: (eightDigits(UInt32(upper)) &>> 24).littleEndian, toByteOffset: written, as: UInt64.self)
    unsafe base.storeBytes(of: eightDigits(UInt32(lower)).littleEndian, toByteOffset: written &+ 5, as: UInt64.self)
    written &+= 13
  }

  @usableFromInline @inline(never)
  mutating func grow(by length: Int) {
    precondition(length <= limit - count, "an arena of \(limit) bytes is full")
    let larger = min(limit, max(capacity * 2, count + length))
    let new = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    // SAFETY: `new` holds at least `count` bytes and is memory of its own.
    unsafe memcpy(new, base, count)
    unsafe base.deallocate()
    unsafe base = new
    capacity = larger
  }
}

// SAFETY: an arena is not copied and its memory is its own, so that whoever has the arena is alone with the memory.
extension ByteArena: @unchecked Sendable {}
