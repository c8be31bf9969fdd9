/// Every limit of the product, by name. A limit that depends on another is tied to it by a test.
package enum Limits {
  /// Bytes of one Event API body, UTF-8, the whole object, before any compression (the guide: "3.5 MB").
  package static let bodyBytes = 3_500_000
  /// The smallest body limit that may be asked for: room for the fixed parts and one small event.
  package static let smallestBodyBytes = 1_000
  /// Bytes of one row. A longer row is a reject that gives its byte range.
  package static let rowBytes = 4 << 20
  /// Levels of nesting in one JSON row or body.
  package static let nestingDepth = 128
  /// Bytes of memory when none are named.
  package static let memoryBytes = 512_000_000
  /// The least memory a run can work in.
  package static let smallestMemoryBytes = 32_000_000
  /// What a process needs beside its `--memory`: code, libraries, stacks (DESIGN promise 5).
  package static let memoryOverheadBytes = 64_000_000
  /// Characters of an attribute key (the guide).
  package static let attributeKeyCharacters = 64
  /// The first and the last time stamp with 13 digits, in epoch milliseconds: 2001-09-09 to 2286-11-20.
  package static let timestamps: ClosedRange<Int64> = 1_000_000_000_000...9_999_999_999_999
  /// Lanes to begin with when they adapt, the most that they then become, and the most that may be named.
  package static let lanes = 4
  package static let mostAdaptingLanes = 16
  package static let mostLanes = 64
  /// Events that a server may refuse one by one when no number is named; beyond, it refuses for a reason that concerns all of them.
  package static let refusedEvents = 100
  /// Bytes read from an input at a time.
  package static let blockBytes = 1 << 20
  /// How many times its size a packed input may be, once more than so many bytes were unpacked: rows shrink to a tenth, and hardly ever
  /// to a fiftieth, while what is packed to fill a disk shrinks to a thousandth and less.
  package static let unpackRatio = 200
  package static let unpackedBytesUnjudged = 64 << 20
  /// Bodies of one visitor that are held, some 100 bytes each, until it is known that all of its records are kept: 14 GB at the usual limit.
  package static let heldBodies = 4096
  /// Bytes that the system is handed at a time where staging is written in many small pieces.
  package static let writtenBytes = 256 << 10
  /// Inputs of one run: a staged record numbers its input in 16 bits.
  package static let inputs = 65_535
  /// Bytes of a file that is read whole: a datafile, a configuration, a list.
  package static let wholeFileBytes = 256 << 20
  /// Rows of a file that a table of a mapping is made of: it is stored with each run.
  package static let tableRows = 100_000
  /// Visitors that a list may exclude: some 40 MB of memory for each worker's look-ups together.
  package static let excludedVisitors = 1_000_000
  /// Lines that may be passed over at an input's beginning.
  package static let skippedLines = 1_000_000
  /// Digits that an exponent may add when a decimal is written out in full.
  package static let decimalDigits = 400
  /// Samples kept of each finding.
  package static let findingSamples = 3
  /// Bytes of an event that a sample keeps.
  package static let sampleBytes = 1000
  /// Spans of a curve on a page; beyond, days become weeks, and weeks become longer still.
  package static let curveSpans = 100
  /// Values of an attribute that are counted one by one; one with more names visitors rather than groups of them.
  package static let attributeValues = 100
  /// Numbers behind curves and segments that are kept in all, some 100 bytes each; with more there are none.
  package static let detailNumbers = 200_000
  /// Seconds that one request may take when nothing is named, connecting and reading the answer included.
  package static let requestSeconds = 120
  /// Seconds that a connection may take to be there.
  package static let connectSeconds = 10
  /// Seconds that nothing may move in a pipe or on the disk when nothing is named.
  package static let stallSeconds = 3600
  /// Seconds after which a person is told what a run waits for.
  package static let silenceSeconds = 60
  /// Seconds that the reader of standard error may take nothing before what is said is passed over.
  package static let readerSeconds = 5
  /// Milliseconds that a clock may go back when it is set, without anybody asking why.
  package static let clockDriftMilliseconds: Int64 = 300_000
  /// Seconds that requests in flight get after the first signal.
  package static let drainSeconds = 30
  /// Days that a history's events are counted by; where there are more, weeks, months or years are.
  package static let shownTimes = 120
  /// Bytes of a configuration that a run keeps to be shown.
  package static let shownConfigurationBytes = 65_536
}
