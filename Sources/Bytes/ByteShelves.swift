internal import CPrefetch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Many small arenas of one size in one piece of memory: where bytes wait, sorted by where they go.
///
/// Memory: `count` × `capacity` bytes, taken from the system as the shelves fill.
@safe
@usableFromInline package struct ByteShelves: ~Copyable {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline var lengths: [Int]
  /// Bytes that one shelf holds.
  @usableFromInline package let capacity: Int

  /// `count` empty shelves of `capacity` bytes.
  package init(count: Int, capacity: Int) {
    precondition(count > 0 && capacity > 0)
    self.capacity = capacity
    lengths = [Int](repeating: 0, count: count)
    unsafe base = .allocate(byteCount: count * capacity, alignment: 64)
  }

  deinit { unsafe base.deallocate() }

  package var count: Int { lengths.count }

  /// Bytes on a shelf.
  @inlinable package func length(of shelf: Int) -> Int { lengths[shelf] }

  /// The bytes of a shelf.
  @_lifetime(borrow self)
  package func span(of shelf: Int) -> Span<UInt8> {
    let length = lengths[shelf]
    // SAFETY: the subscript above proves that the shelf is one of `count`, and its first `length` bytes are initialised.
    let start = unsafe (base + shelf * capacity).assumingMemoryBound(to: UInt8.self)
    let bytes = unsafe UnsafeBufferPointer(start: UnsafePointer(start), count: length)
    return unsafe _overrideLifetime(Span(_unsafeElements: bytes), borrowing: self)
  }

  /// Puts the bytes behind those on the shelf. Returns false, and puts nothing there, when they do not fit.
  @inlinable @inline(__always)
  package mutating func append(_ bytes: Span<UInt8>, to shelf: Int) -> Bool {
    let length = lengths[shelf]
    guard bytes.count <= capacity &- length else { return false }
    // SAFETY: the subscript proves that the shelf is one of `count`, the guard that the bytes fit behind its first `length`.
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe (base + shelf &* capacity + length).copyMemory(from: start, byteCount: source.count)
      }
    }
    lengths[shelf] = length &+ bytes.count
    fetchRoom(of: shelf)
    return true
  }

  /// Has the memory at hand that the shelf's next bytes go to. By the time they come, many other shelves were written to; without this, each
  /// append waited for memory, some 140 ns, which was 8 % of staging and planning 6,000,000 rows.
  @usableFromInline @inline(never)
  func fetchRoom(of shelf: Int) {
    // SAFETY: nothing is read or written: an address, though it lie behind the last shelf, is only hinted at. Most records take fewer bytes.
    let next = unsafe base + shelf &* capacity + lengths[shelf]
    unsafe cprefetchforwriting(next + 64)
    unsafe cprefetchforwriting(next + 128)
    unsafe cprefetchforwriting(next + 192)
  }

  /// Writes a whole number over bytes already on the shelf, lowest byte first.
  package mutating func store<Number: FixedWidthInteger & BitwiseCopyable>(_ number: Number, at offset: Int, of shelf: Int) {
    precondition(offset >= 0 && offset &+ MemoryLayout<Number>.size <= lengths[shelf])
    // SAFETY: the line above proves that the bytes lie inside what is initialised on the shelf.
    unsafe (base + shelf * capacity).storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
  }

  /// Empties a shelf.
  package mutating func removeAll(from shelf: Int) { lengths[shelf] = 0 }
}
