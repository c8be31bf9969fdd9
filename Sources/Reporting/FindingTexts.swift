package import Vocabulary

extension FindingCode {
  /// What the finding says and what to do about it, in a sentence or two.
  package var meaning: String { "\(consequence) \(remedy)" }

  /// What the server would do with such events, or what is wrong with such rows.
  package var consequence: String {
    switch self {
    case .emptyInput: "The input holds no rows."
    case .unknownColumn: "No field is named like this, so it was ignored."
    case .variationConflict:
      "A visitor belongs to the first variation of a campaign: a later decision for another one never counts, also where the first was sent before."
    case .earlyConversion: "Conversions before their visitor's decision are never counted."
    case .noDecision:
      "These visitors have no decision here, nor one in the ledger that the server would add (with --enrich-decisions false it adds none); "
        + "their conversions count only if an SDK activated them."
    case .timestampFuture: "These times lie in the future; the server takes them as they are."
    case .uuidShared: "Fewer uuids than records: the server keeps one event for each uuid, whoever's it is."
    case .changedAfterAccept:
      "An event with this uuid was accepted before with other content; it is not sent again, and the server keeps the old one."
    case .timestampGuessed: "The unit of these times was told by their magnitude."
    case .timeAmbiguous: "The clocks of the zone showed these local times twice, an hour apart; the earlier was taken."
    case .amountRounded: "These amounts are no whole hundredths of the currency unit, and were rounded as the mapping says."
    case .timestampUnit:
      "These times count another unit than milliseconds, so their rows are rejected; the others alone would shift results."
    case .damagedID:
      "A spreadsheet has cut digits off these ids, so their rows are rejected; damage that left no trace would be sent as another id."
    case .revenueUnit:
      "Nearly all of these revenues are below 10.00, as dollars taken for cents are; the server would count a hundredth of them."
    case .unknownID:
      "The project's datafile does not have these ids, or not together: the server counts such events for nothing, or for another project."
    case .cutOffInput: "The input breaks off, or cannot be followed any further, so rows behind this place are missing."
    case .conversionWithoutAttributes:
      "Others carry attributes and these conversions do not: they count in no segment, for a conversion needs the attribute itself."
    case .outsideWindow:
      "These decisions lie outside of the window and are left out; later conversions of their visitors count only if the server has them."
    case .unmatchedPath: "No row has what the configuration names here, so it said nothing about any of them."
    case .nothingToSend: "Every row was left out by conditions, a window or a list, so nothing would be sent."
    case .excludedNobody: "No row is of a visitor on the list of those who are excluded."
    case .personalData: "These visitors' ids are addresses, and the server must not be sent personal data."
    case .unknownAttribute:
      "The entity ids of these attributes are not known, so they were left out, and their segments will lack these events."
    case .noNaturalID: "These rows say the same as another and have no uuid, so each is one event with it."
    }
  }

  /// What to do about it.
  package var remedy: String {
    switch self {
    case .emptyInput: "Check whether its export failed."
    case .unknownColumn: "Rename it if it should count."
    case .variationConflict: "See --on-conflict."
    case .earlyConversion: "Check that both files use the same clock and zone."
    case .noDecision:
      "Import their decisions too (with --enrich-decisions false in the same run), or leave these conversions as they are."
    case .timestampFuture: "Check their unit and zone, and the clock of this machine."
    case .uuidShared: "Map uuid to a column that is unique, or leave it out."
    case .changedAfterAccept: "Give the corrected event another uuid only if both should count."
    case .timestampGuessed: "Declare it (format: epoch_seconds and the like) to be sure of it."
    case .timeAmbiguous: "Export times with their offset."
    case .amountRounded: "Export exact amounts, or accept the rounding."
    case .timestampUnit: "Say the unit in a configuration: timestamp: {from: COLUMN, format: epoch_seconds}."
    case .damagedID: "Export the file again without opening it in a spreadsheet, or with its ids as text."
    case .revenueUnit: "Say the unit in a configuration: revenue: {from: COLUMN, unit: major} for 19.99, unit: minor for 1999."
    case .unknownID: "Take the project's newest datafile, and check that account, project and environment are the right ones."
    case .cutOffInput: "Fetch or export the input again, or mend the row that is told."
    case .conversionWithoutAttributes:
      "Export attributes with conversions too; --inherit-attributes takes those of the visitor's latest decision, if any."
    case .outsideWindow: "Begin the window before the first decision, unless earlier imports or an SDK sent these."
    case .unmatchedPath: "Correct the path, or take it out."
    case .nothingToSend: "Check where, explode, --window and --exclude."
    case .excludedNobody: "The list has one id a line, as it is sent: hashed when visitors are."
    case .personalData: "Hash them: visitor_id: {sha256: COLUMN, salt: \"${SALT}\"}; the experiment must have seen the same ids."
    case .unknownAttribute: "Name them with --attribute KEY=ENTITY_ID, or take the project's datafile."
    case .noNaturalID: "Map uuid to what tells them apart, such as {from: [order_id, line]}, or pass --identical-rows keep."
    }
  }
}
