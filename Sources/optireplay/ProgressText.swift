import Delivering
import Pipeline
import Reporting
import Vocabulary

extension RunProgress {
  /// The progress in a line that fits a terminal.
  var text: String {
    switch self {
    case .staging(let bytes, _): "reading  \(ByteCount(bytes))"
    case .planning(let records, let total): "planning  \(grouped(records)) of \(grouped(total)) records\(percent(records, total))"
    case .sending(let delivery, let total): sending(delivery, total)
    }
  }

  private func sending(_ delivery: DeliveryProgress, _ total: Int) -> String {
    var text =
      "sending  \(grouped(delivery.acceptedBodyCount)) of \(grouped(total)) bodies"
      + percent(delivery.acceptedBodyCount, total) + ", \(grouped(delivery.acceptedEventCount)) events accepted"
    text += delivery.laneCount == 1 ? ", 1 lane" : ", \(delivery.laneCount) lanes"
    if delivery.retryCount > 0 { text += ", \(grouped(delivery.retryCount)) retries" }
    if let trouble = delivery.trouble { text += "; \(trouble)" }
    if let holdUp = delivery.holdUp { text += "; again in \(max(1, holdUp.components.seconds)) s" }
    return text
  }

  private func percent(_ part: Int, _ whole: Int) -> String { whole > 0 ? " (\(part * 100 / whole)%)" : "" }
}
