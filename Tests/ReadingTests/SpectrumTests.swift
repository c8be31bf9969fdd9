import Foundation
import Oracles
import Testing

@testable import Reading

/// The csv-spectrum collection: CSV files that are often read wrongly, each with its rows as JSON.
@Suite(.enabled(if: Spectrum.isThere, "needs the folder csv-spectrum of OPTIREPLAY_TEST_DATA"))
struct SpectrumTests {
  @Test("a file of csv-spectrum reads as its JSON says, at every block size", arguments: Spectrum.names)
  func file(_ name: String) throws {
    let expected = try JSONDecoder().decode(
      [[String: String]].self, from: Data(contentsOf: URL(fileURLWithPath: "\(Spectrum.folder)/json/\(name).json")))
    for blockBytes in Array(1...64) + [1 << 20] {
      let (header, reading) = try read("\(Spectrum.folder)/csvs/\(name).csv", blockBytes: blockBytes)
      let rows = reading.found.map { found in
        Dictionary(uniqueKeysWithValues: zip(header ?? [], found.cells.map { String(decoding: $0, as: UTF8.self) }))
      }
      #expect(rows == expected, "in blocks of \(blockBytes)")
      #expect(reading.messages == [])
    }
  }

  /// The JSON of this one tells of another telephone number than its CSV.
  @Test("quotes inside of the unquoted cells of location_coordinates.csv are data")
  func coordinates() throws {
    let (header, reading) = try read("\(Spectrum.folder)/csvs/location_coordinates.csv")
    #expect(header == ["Contact Phone Number", "Location Coordinates", "Cities", "Counties"])
    let cells = reading.found.map { $0.cells.map { String(decoding: $0, as: UTF8.self) } }
    #expect(cells == [["2095257564", "37\u{fffd}36'37.8\"N 121\u{fffd}2'17.9\"W", "Modesto", "Stanislaus"]])
  }
}

private enum Spectrum {
  static let names = [
    "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json", "newlines", "newlines_crlf", "quotes_and_newlines",
    "simple",
    "simple_crlf", "utf8",
  ]

  static var folder: String {
    let data =
      ProcessInfo.processInfo.environment["OPTIREPLAY_TEST_DATA"]
      ?? URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/data").path
    return data + "/csv-spectrum"
  }

  static var isThere: Bool { FileManager.default.fileExists(atPath: folder) }
}
