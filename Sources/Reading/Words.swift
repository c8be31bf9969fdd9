internal import Bytes
internal import Vocabulary

// Finding line ends, eight bytes at a time.

let lineFeed: UInt8 = 0x0a
let carriageReturn: UInt8 = 0x0d

/// Whether it is one of JSON's white space.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == lineFeed || byte == carriageReturn }

/// The eight bytes at `offset`, first byte lowest; zeros stand for those behind the end.
@inline(__always)
func word(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
  offset &+ 8 <= bytes.count ? load64(bytes, offset) : lastWord(bytes, offset)
}

@inline(never)
private func lastWord(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
  var word: UInt64 = 0
  var at = bytes.count
  while at > offset {
    at &-= 1
    word = word &<< 8 | UInt64(bytes[at])
  }
  return word
}

/// As `zeroBytes`, with fewer instructions and less to rely on: the high bit of the lowest zero byte is set and none below it is,
/// but a byte above it may be taken for a zero when it is 1.
@inline(__always)
func zeroCandidates(_ word: UInt64) -> UInt64 { (word &- repeated(0x01)) & ~word & repeated(0x80) }

/// The position of the first line feed, carriage return or `mark` at or after `start`, or nil.
@inline(__always)
func firstStop(_ bytes: Span<UInt8>, from start: Int, or mark: UInt8 = lineFeed) -> Int? {
  let marks = repeated(mark)
  var at = start
  while at < bytes.count {
    let word = word(bytes, at)
    let hits =
      zeroCandidates(word ^ marks) | zeroCandidates(word ^ repeated(lineFeed)) | zeroCandidates(word ^ repeated(carriageReturn))
    if hits != 0 { return at &+ (hits.trailingZeroBitCount &>> 3) }
    at &+= 8
  }
  return nil
}

/// The position of the last line feed or carriage return before `end`, or nil.
func lastLineEnd(_ bytes: Span<UInt8>, before end: Int) -> Int? {
  var at = end
  while at >= 8 {
    let word = load64(bytes, at &- 8)
    let hits = zeroBytes(word ^ repeated(lineFeed)) | zeroBytes(word ^ repeated(carriageReturn))
    if hits != 0 { return at &- 1 &- (hits.leadingZeroBitCount &>> 3) }
    at &-= 8
  }
  while at > 0 {
    at &-= 1
    if bytes[at] == lineFeed || bytes[at] == carriageReturn { return at }
  }
  return nil
}

/// How many lines end in the bytes: line feeds, and in CSV carriage returns too, the two behind each other being one end.
///
/// Each of eight lanes counts its own column of the words; a lane holds 255, so that often the lanes are added up.
///
///     word        a  \n  b  \r  \n  c  \n  d
///     hits        0   1  0   1   0  0   1  0     the feed behind a return counts no more
func lineEndCount(_ bytes: Span<UInt8>, _ format: InputFormat) -> Int {
  if format != .csv { return occurrences(of: lineFeed, in: bytes) }
  var total = 0
  var start = 0
  var hasReturns = false
  while start < bytes.count {
    let end = min(bytes.count, start &+ 255 &* 8)
    // Most inputs have no carriage returns: then looking for one is cheaper than counting them.
    let feeds = hasReturns ? nil : countFeeds(bytes, start, end)
    hasReturns = feeds == nil
    total &+= feeds ?? countEnds(bytes, start, end)
    start = end
  }
  return total
}

/// The line feeds from `start` to `end`; nil when there is a carriage return.
@inline(__always)
private func countFeeds(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
  // Bytes that are no line feed, by lane; and whether a lane never held a carriage return.
  var others: UInt64 = 0
  var noReturn = ~UInt64(0)
  var at = start
  while at < end {
    let word = word(bytes, at)
    others &+= nonZeroBytes(word ^ repeated(lineFeed)) &>> 7 & repeated(1)
    noReturn &= nonZeroBytes(word ^ repeated(carriageReturn))
    at &+= 8
  }
  if noReturn & repeated(0x80) != repeated(0x80) { return nil }
  return at &- start &- sum(others)
}

/// The high bit of each byte of the result is set exactly where the byte of `word` is not zero; the other bits say nothing.
@inline(__always)
private func nonZeroBytes(_ word: UInt64) -> UInt64 { ((word & repeated(0x7f)) &+ repeated(0x7f)) | word }

/// The line feeds and carriage returns from `start` to `end`, without the feeds that stand behind a return.
private func countEnds(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
  var lanes: UInt64 = 0
  // The high bit of the lowest byte: the byte before the word is a carriage return.
  var carry: UInt64 = start > 0 && bytes[start &- 1] == carriageReturn ? 0x80 : 0
  var at = start
  while at < end {
    let word = word(bytes, at)
    let returns = zeroBytes(word ^ repeated(carriageReturn))
    lanes &+= (returns | (zeroBytes(word ^ repeated(lineFeed)) & ~(returns &<< 8 | carry))) &>> 7
    carry = returns &>> 56
    at &+= 8
  }
  return sum(lanes)
}

@inline(__always)
private func sum(_ lanes: UInt64) -> Int {
  let pairs = (lanes & 0x00ff_00ff_00ff_00ff) &+ (lanes &>> 8 & 0x00ff_00ff_00ff_00ff)
  return Int((pairs &* 0x0001_0001_0001_0001) &>> 48)
}
