internal import Bytes

/// The delimiters, quotes and line ends of a block, from sixty-four bytes at a time.
///
///     piece   J  o  h  n  ,  "  D  o  e  "  \n  J  a  n …
///     marks               ▲  ▲           ▲  ▲                 those of the next row are kept until it begins
struct RowMarks {
  /// Where the piece begins (the first before all rows), and its marks that are still to come, lowest bit first.
  var piece = -64
  var bits: UInt64 = 0
  /// Whether all of the piece is ASCII.
  var isASCII = true

  /// Goes on to `row`, which begins behind all marks that were taken out.
  @inline(__always)
  mutating func begin(row: Int, _ bytes: Span<UInt8>, _ delimiter: UInt8, _ quote: UInt8) {
    if row >= piece, row < piece &+ 64 {
      bits &= ~0 &<< UInt64(row &- piece)
    } else {
      piece = row
      (bits, isASCII) = Self.look(bytes, row, delimiter, quote)
    }
  }

  /// The marks of the piece at `piece`, and whether it is ASCII; none behind the block's end. Without quotes, the delimiter is given twice.
  @inline(never)
  static func look(_ bytes: Span<UInt8>, _ piece: Int, _ delimiter: UInt8, _ quote: UInt8) -> (bits: UInt64, isASCII: Bool) {
    guard piece < bytes.count else { return (0, true) }
    let found = Piece(bytes, piece)
    return (found.bits(of: delimiter, quote, lineFeed, carriageReturn), found.isASCII)
  }
}
