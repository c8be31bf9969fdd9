package import Vocabulary

extension RejectCode {
  /// What to do about such rows, in a sentence or two; a message says it of the very row.
  package var remedy: String {
    switch self {
    case .rowTooLong: "Look for a quote that never closes before this row; shorten the row if it is meant to be that long."
    case .badQuote: "Double the quotes inside quoted cells, or pass --quote none where quotes are data."
    case .raggedRow: "Give the row as many cells as its header has; quote cells that hold the delimiter."
    case .notUTF8: "Export the file as UTF-8, or name its encoding with --encoding."
    case .badJSON: "Write one whole JSON object a line; a row that was cut off is mended at its source."
    case .notAnObject: "Each row is a JSON object with members; take lists apart with explode in a configuration."
    case .missingField: "Fill the column, map another one to it, or leave such rows out with where in a configuration."
    case .wrongType: "Write the value in the type that the message names; a type may also be named in a configuration."
    case .badRecord: "Say what the row is: decision or conversion in its record column, or name the file with --decisions or --conversions."
    case .badTimestamp: "Write epoch milliseconds or ISO 8601 with an offset, or name the format and zone in a configuration."
    case .timestampUnit: "Say the unit in a configuration: timestamp: {from: COLUMN, format: epoch_seconds}."
    case .badNumber: "Write plain decimals, or name unit, decimal and group marks in a configuration."
    case .badBoolean: "Write true or false, or map the words with lookup in a configuration."
    case .badKey: "Use a name that the API takes: the message says which characters it may have."
    case .badAttribute: "Write attributes as the API has them: type, value, and for custom ones entity_id and key."
    case .unknownAttribute:
      "Name its entity id with --attribute KEY=ENTITY_ID or a --datafile, or leave it out with --unknown-attributes drop."
    case .reservedPrefix: "Take the leading character U+E000 out of the value; the server would read it as something else."
    case .damagedID: "Export the file again without opening it in a spreadsheet, or with its ids as text."
    case .otherAccount: "Import rows of another account by themselves, with its --account-id."
    case .unknownKey: "Take the project's newest --datafile, or map the key with lookup in a configuration."
    case .eventTooLarge: "Shorten the event's attributes, tags or properties."
    case .refusedByServer: "Read what the server said; correct the event and import it again with the same id."
    case .uuidReused: "Give each event a uuid of its own, or leave uuid out so that one is derived."
    case .variationConflict: "Such a decision never counts; --on-conflict first filters it instead of rejecting it."
    case .earlyConversion:
      "Check that both files use the same clock and zone; --early-conversions keep sends such conversions all the same."
    }
  }
}
