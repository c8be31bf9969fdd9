internal import Bytes

/// How many bytes of a window are whole rows, and how many lines end in them; nil when carriage returns make those hard to count.
struct OrdinaryCut {
  let end: Int
  let lineEndCount: Int?
}

/// Cuts a window of CSV in which every quote is ordinary, at several GB/s; nil for any other, which `RowCutter` reads byte by byte.
///
/// A quote is ordinary when it opens behind a delimiter, a line end or the window's beginning, or closes before a delimiter, a line
/// end or the window's end, or is one of two. Then, and only then, the odd quotes open and the even ones close, doubled or not:
///
///     window     a , " b " " \n c " , d \n e
///     quotes         1   1 1       1
///     inside         1 1 . 1 1  1  .              odd so far: a doubled quote closes and opens again
///     row ends                         1          line ends that are not inside
func ordinaryCut(_ window: Span<UInt8>, delimiter: UInt8, quote: UInt8?, isLast: Bool) -> OrdinaryCut? {
  // A carriage return at the very end may be half of a line end.
  let endsInReturn = !isLast && window.count > 0 && window[window.count &- 1] == carriageReturn
  var end = 0
  var feedCount = 0
  var hasReturns = false
  // All bits are set when the piece begins inside quotes; the lowest is set when the byte before it closed them.
  var quoted: UInt64 = 0
  var closed: UInt64 = 0
  var at = 0
  while at < window.count {
    let piece = Piece(window, at)
    let feeds = piece.bits(of: lineFeed)
    var ends = feeds
    if piece.holds(carriageReturn) {
      ends |= piece.bits(of: carriageReturn)
      hasReturns = true
    }
    var inside = quoted
    if let quote, closed != 0 || piece.holds(quote) {
      let quotes = piece.bits(of: quote)
      inside = oddSoFar(quotes) ^ quoted
      let borders = ends | quotes | piece.bits(of: delimiter)
      let before: UInt64 = at == 0 || isBorder(window[at &- 1], delimiter, quote) ? 1 : 0
      let left = window.count &- at
      let behindWindow: UInt64 = left < 64 ? ~0 &<< UInt64(left) : 0
      let opening = quotes & inside
      let closing = quotes & ~inside
      guard opening & ~(borders &<< 1 | before) == 0, (closing &<< 1 | closed) & ~(borders | behindWindow) == 0 else { return nil }
      quoted = inside &>> 63 == 0 ? 0 : ~0
      closed = closing &>> 63
    }
    var rowEnds = ends & ~inside
    if endsInReturn, at &+ 64 >= window.count { rowEnds &= ~(1 &<< UInt64(window.count &- 1 &- at)) }
    if rowEnds != 0 { end = at &+ 64 &- rowEnds.leadingZeroBitCount }
    feedCount &+= feeds.nonzeroBitCount
    at &+= 64
  }
  if isLast {
    guard quoted == 0 else { return nil }
    end = window.count
  }
  if hasReturns { return OrdinaryCut(end: end, lineEndCount: nil) }
  return OrdinaryCut(end: end, lineEndCount: feedCount &- occurrences(of: lineFeed, in: window.extracting(end...)))
}

@inline(__always)
private func isBorder(_ byte: UInt8, _ delimiter: UInt8, _ quote: UInt8) -> Bool {
  byte == delimiter || byte == quote || byte == lineFeed || byte == carriageReturn
}
