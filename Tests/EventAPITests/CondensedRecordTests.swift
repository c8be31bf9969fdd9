import Bytes
import EventAPI
import Testing
import Vocabulary

/// The form in which staged records lie on the disk.
@Suite struct CondensedRecordTests {
  private func record(_ sample: Sample, rowOffset: Int = 1 << 40, line: Int = 77) -> [UInt8] {
    var arena = ByteArena(limit: 1 << 24)
    _ = sample.write(into: &arena, rowOffset: rowOffset, line: line)
    return copy(arena.span)
  }

  private func condensed(_ record: [UInt8]) -> [UInt8] {
    var arena = ByteArena(limit: 1 << 24)
    arena.append(condensing: StagedRecord(record.span))
    return copy(arena.span)
  }

  /// The records of a condensed form; nil when it is none, or not of so many bytes.
  private func expanded(_ condensed: [UInt8], byteCount: Int) -> [UInt8]? {
    // The bytes before and behind the part are nobody's.
    var bytes = [UInt8](repeating: 0xaa, count: byteCount + 2)
    guard bytes.fill(1..<(byteCount + 1), expanding: condensed.span) == byteCount else { return nil }
    #expect(bytes[0] == 0xaa && bytes[byteCount + 1] == 0xaa)
    return Array(bytes[1...byteCount])
  }

  private func expectSame(_ record: [UInt8], isShorter: Bool? = nil, _ what: String) {
    let condensed = condensed(record)
    let isSame = expanded(condensed, byteCount: record.count) == record
    #expect(isSame, "\(what)")
    #expect(expanded(condensed, byteCount: record.count - 1) == nil, "\(what)")
    if let isShorter { #expect((condensed.count < record.count) == isShorter, "\(what)") }
  }

  @Test("every record comes back to the byte, and takes less meanwhile, whatever optional members it has", arguments: RecordKind.allCases)
  func members(kind: RecordKind) throws {
    var all: [UInt8] = []
    var form: [UInt8] = []
    for choice in try #require(Sample.choices[kind]) {
      let record = record(Sample(kind, choice: choice))
      expectSame(record, isShorter: true, "choice \(choice)")
      all += record
      form += condensed(record)
    }
    #expect(expanded(form, byteCount: all.count) == all)
  }

  @Test(
    "a time of other than thirteen digits comes back, too",
    arguments: [
      .min, -1, 0, 999_999_999_999, 1_000_000_000_000, 9_999_999_999_999, 10_000_000_000_000, (1 << 48) - 1, 1 << 48, .max,
    ] as [Int64])
  func times(timestamp: Int64) {
    for kind in RecordKind.allCases {
      var sample = Sample(kind, choice: 0)
      sample.timestamp = timestamp
      expectSame(record(sample), isShorter: timestamp >= 1_000_000_000_000 && timestamp < 10_000_000_000_000, "\(kind)")
    }
  }

  @Test("texts of any length come back", arguments: [1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 255, 256, 65_535, 65_536, 100_000])
  func lengths(count: Int) {
    let long = String(repeating: "x", count: count)
    let changes: [(String, (inout Sample) -> Void)] = [
      ("visitor", { $0.visitor = long }), ("session", { $0.session = long }), ("first name", { $0.campaignOrEntity = long }),
      ("second name", { $0.experimentOrKey = long }), ("variation", { $0.variation = long }),
      ("metadata", { $0.metadata = "{\"flag_key\":\"\(long)\"}" }), ("id", { $0.uuid = long }), ("tags", { $0.tags = "{\"\(long)\":1}" }),
    ]
    for kind in RecordKind.allCases {
      for (what, change) in changes {
        var sample = Sample(kind, choice: 0)
        sample.visitor = "v"
        change(&sample)
        expectSame(record(sample), "\(kind) with a \(what) of \(count) bytes")
      }
    }
  }

  @Test(
    "places and amounts come back at their edges",
    arguments: [0, 65_535, 65_536, Int(UInt32.max), (1 << 48) - 1, 1 << 48, .max],
    [.min, -1, 0, 1, 999_999_999_999_999_999, .max] as [Int64])
  func numbers(place: Int, amount: Int64) {
    for kind in RecordKind.allCases {
      var sample = Sample(kind, choice: 0)
      sample.revenue = amount
      sample.quantity = amount
      sample.value = "-0.0"
      expectSame(record(sample, rowOffset: place, line: place), "\(kind)")
    }
  }

  @Test("a record with any byte of its texts or numbers changed comes back as it is", arguments: RecordKind.allCases)
  func otherTexts(kind: RecordKind) {
    for choice in [0, 0b1111_1111, 0b111_0111_1111] {
      let record = record(Sample(kind, choice: choice))
      // Not the sizes and the kind, which say where the texts lie.
      let numbers = Array(8..<36) + Array(72..<88)
      for at in numbers + Array(StagedRecord.headBytes..<record.count) {
        for bit in [1, 4, 0x80] as [UInt8] {
          var other = record
          other[at] ^= bit
          expectSame(other, "choice \(choice), byte \(at), bit \(bit)")
        }
      }
    }
  }

  @Test("no other bytes are the condensed form of a record, and none of them reach beyond their part", arguments: RecordKind.allCases)
  func damage(kind: RecordKind) {
    for choice in [0, 0b1111_1111, 0b111_0111_1111] {
      let record = record(Sample(kind, choice: choice))
      let good = condensed(record)
      for length in 0..<good.count where length > 0 { #expect(expanded(Array(good[..<length]), byteCount: record.count) == nil) }
      for at in good.indices {
        for byte in UInt8.min...UInt8.max where byte != good[at] {
          var bad = good
          bad[at] = byte
          let isSame = expanded(bad, byteCount: record.count) == record
          #expect(!isSame, "byte \(at) is \(byte)")
        }
      }
    }
  }
}
