import Vocabulary

/// Where a row's ids lie: campaign, experiment and variation of a decision; entity and key of a conversion.
struct EventIDs {
  var campaignOrEntity: Range<Int>
  var experimentOrKey: Range<Int>
  var variation = 0..<0
}

/// What a row's fields say, each checked, before anything is written.
struct EventFields {
  var kind: RecordKind
  var visitor: Range<Int>
  var session: Range<Int>
  var timestamp: Int64
  var uuid: Range<Int>
  var revenue: Int64?
  var value: (range: Range<Int>, value: Double)?
  var quantity: Int64?
  var ids = EventIDs(campaignOrEntity: 0..<0, experimentOrKey: 0..<0)
}
