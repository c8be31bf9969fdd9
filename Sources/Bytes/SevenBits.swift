extension ByteArena {
  /// Appends a number in groups of seven bits, lowest first, the eighth saying that another follows: 1 to 10 bytes.
  @inlinable @inline(__always)
  package mutating func append(sevenBits number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest &>>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  /// Appends eight bytes, lowest first.
  @inlinable @inline(__always)
  package mutating func append(word: UInt64) {
    reserve(8)
    appendReserved(word)
  }
}
