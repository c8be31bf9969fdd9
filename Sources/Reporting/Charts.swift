import Foundation
import Vocabulary

/// Pictures as inline SVG. Their numbers also stand in a table beside each: nothing is told by a picture alone.
///
/// What is text in a picture of bars is HTML around it, so that it keeps its size however wide the picture is drawn.
enum Charts {
  /// One place on an axis: a whole, and the part of it that is set off.
  struct Bar {
    var whole: Double
    var part: Double?
    /// What a pointer that rests on it is told.
    var title: String

    init(whole: Double, part: Double? = nil, title: String) {
      self.whole = whole
      self.part = part
      self.title = title
    }
  }

  /// A place on an axis; a break stands for places that nothing is in.
  enum Place {
    case bar(Bar)
    case empty
    case gap
  }

  /// Bars from 0 on. `name` says what is seen, for those who do not; `ends` are the labels below the first and the last place.
  static func bars(_ places: [Place], name: String, unit: String, ends: (String, String)) -> String {
    let greatest = places.reduce(0.0) { most, place in
      if case .bar(let bar) = place { max(most, bar.whole, bar.part ?? 0) } else { most }
    }
    let top = niceTop(greatest)
    let marks = places.enumerated().map { at, place in
      switch place {
      case .empty: ""
      case .gap: "<line class=\"gap\" x1=\"\(at).5\" x2=\"\(at).5\" y1=\"0\" y2=\"100\"/>"
      case .bar(let bar): rect(bar, at, top)
      }
    }
    return """
      <div class="chart">
      <p class="axis"><span>\(number(top)) \(Markup.escaped(unit))</span></p>
      <svg viewBox="0 0 \(max(1, places.count)) 100" preserveAspectRatio="none" role="img" aria-label="\(Markup.escaped(name))">
      <line class="grid" x1="0" x2="\(places.count)" y1="0" y2="0"/><line class="grid" x1="0" x2="\(places.count)" y1="50" y2="50"/>
      \(marks.joined())
      <line class="base" x1="0" x2="\(places.count)" y1="100" y2="100"/>
      </svg>
      <p class="axis ends"><span>\(Markup.escaped(ends.0))</span><span>\(Markup.escaped(ends.1))</span></p>
      </div>
      """
  }

  private static func rect(_ bar: Bar, _ at: Int, _ top: Double) -> String {
    func piece(_ name: String, _ value: Double) -> String {
      guard value > 0 else { return "" }
      // What is there can be seen.
      let height = max(0.8, value / top * 100)
      return "<rect class=\"\(name)\" x=\"\(at).08\" y=\"\(Markup.plain(100 - height))\" width=\".84\" height=\"\(Markup.plain(height))\"/>"
    }
    let inner = piece(bar.part == nil ? "part" : "whole", bar.whole) + (bar.part.map { piece("part", $0) } ?? "")
    return "<g>\(inner)<title>\(ReportText.plain(bar.title))</title></g>"
  }

  /// The least round number that is at least this.
  static func niceTop(_ value: Double) -> Double {
    guard value > 0 else { return 1 }
    let power = pow(10, floor(log10(value)))
    return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map { $0 * power }.first { $0 >= value * 0.999_999_999 } ?? 10 * power
  }

  private static func number(_ value: Double) -> String { Markup.decimal(value, value < 10 && value != value.rounded() ? 1 : 0) }

  /// A bar beside a number in a table.
  static func bar(_ share: Double) -> String {
    "<svg class=\"share\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      + "<rect class=\"part\" x=\"0\" y=\"0\" width=\"\(Markup.plain(max(share > 0 ? 0.8 : 0, min(1, share) * 100)))\" height=\"10\"/></svg>"
  }
}

/// Streams from several sources into one, and from it to several ends, as wide as they count.
struct FlowPicture {
  struct Node {
    var name: String
    var count: Int
    /// The class of its colour.
    var style: String
  }

  private struct Slot {
    var node: Node
    var top: Double
    var height: Double
  }

  private static let width = 360.0
  private static let middle = 150.0
  private static let end = 236.0
  private static let bar = 8.0
  /// The height of what is counted in all.
  private static let whole = 150.0
  /// Two lines of text.
  private static let text = 32.0

  private let total: Int
  private let sources: [Slot]
  private let ends: [Slot]
  private let height: Double

  init(from sources: [Node], total: Int, to ends: [Node]) {
    self.total = total
    let height = max(Self.whole, Self.stacked(sources, total), Self.stacked(ends, total)) + 24
    self.height = height
    self.sources = Self.slots(sources, total, within: height)
    self.ends = Self.slots(ends, total, within: height)
  }

  private static func thickness(_ node: Node, _ total: Int) -> Double { whole * Double(node.count) / Double(max(1, total)) }

  private static func stacked(_ nodes: [Node], _ total: Int) -> Double {
    nodes.reduce(0) { $0 + max(text, thickness($1, total) + 4) }
  }

  private static func slots(_ nodes: [Node], _ total: Int, within height: Double) -> [Slot] {
    var top = 24 + (height - 24 - stacked(nodes, total)) / 2
    return nodes.map { node in
      let thickness = thickness(node, total)
      defer { top += max(text, thickness + 4) }
      return Slot(node: node, top: top, height: max(1, thickness))
    }
  }

  func svg(name: String) -> String {
    let top = 24 + (height - 24 - Self.whole) / 2
    var streams: [String] = []
    var at = top
    for slot in sources {
      let thickness = Self.thickness(slot.node, total)
      streams.append(stream(Self.bar, slot.top, slot.height, Self.middle, at, thickness, slot.node.style))
      at += thickness
    }
    at = top
    for slot in ends {
      let thickness = Self.thickness(slot.node, total)
      streams.append(stream(Self.middle + Self.bar, at, thickness, Self.end, slot.top, slot.height, slot.node.style))
      at += thickness
    }
    let bars =
      sources.map { bar(0, $0.top, $0.height, $0.node.style) } + [bar(Self.middle, top, Self.whole, "all")]
      + ends.map { bar(Self.end, $0.top, $0.height, $0.node.style) }
    let words = sources.map { label($0, at: 13) } + ends.map { label($0, at: Self.end + 13) }
    return """
      <svg class="flow" viewBox="0 0 \(Markup.plain(Self.width)) \(Markup.plain(height + 4))" role="img" aria-label="\(Markup.escaped(name))">
      \(streams.joined(separator: "\n"))
      \(bars.joined(separator: "\n"))
      <text class="count" x="\(Markup.plain(Self.middle + 4))" y="\(Markup.plain(top - 9))" text-anchor="middle">\(grouped(total)) \
      <tspan class="name">read</tspan></text>
      \(words.joined(separator: "\n"))
      </svg>
      """
  }

  private func stream(_ x: Double, _ y: Double, _ h: Double, _ toX: Double, _ toY: Double, _ toH: Double, _ style: String) -> String {
    func place(_ x: Double, _ y: Double) -> String { "\(Markup.plain(x)) \(Markup.plain(y))" }
    let bend = (x + toX) / 2
    return "<path class=\"stream \(style)\" d=\"M\(place(x, y))C\(place(bend, y)) \(place(bend, toY)) \(place(toX, toY))"
      + "V\(Markup.plain(toY + max(0.5, toH)))C\(place(bend, toY + toH)) \(place(bend, y + h)) \(place(x, y + max(0.5, h)))Z\"/>"
  }

  private func bar(_ x: Double, _ y: Double, _ h: Double, _ style: String) -> String {
    "<rect class=\"\(style)\" x=\"\(Markup.plain(x))\" y=\"\(Markup.plain(y))\" width=\"\(Markup.plain(Self.bar))\" height=\"\(Markup.plain(h))\"/>"
  }

  /// Beside the middle of a thick bar, and at the top of a thin one, so that labels keep their distance.
  private func label(_ slot: Slot, at x: Double) -> String {
    let y = slot.top + max(0, slot.height - 26) / 2 + 11
    return "<text x=\"\(Markup.plain(x))\" y=\"\(Markup.plain(y))\"><tspan class=\"count\">\(grouped(slot.node.count))</tspan>"
      + "<tspan class=\"name\" x=\"\(Markup.plain(x))\" dy=\"14\">\(ReportText.plain(slot.node.name))</tspan></text>"
  }
}

/// Texts of inputs as a report shows them.
enum ReportText {
  /// Escaped, with every character that cannot be seen written out.
  static func plain(_ text: String) -> String { Markup.escaped(visible(text)) }

  /// With every character that cannot be seen written out: control characters as their pictures, marks of writing directions and the like by
  /// their numbers.
  static func visible(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\0"..<" ": shown.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{fffd}")
      case _ where scalar.isUnseen:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        shown += "⟨U+\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)⟩"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }

  /// The same as a name of its own, which runs in its own direction.
  static func name(_ text: String) -> String { "<bdi>\(plain(text))</bdi>" }

  /// The beginning of a long text, and how much of it is left out.
  static func short(_ text: String, _ limit: Int = 200) -> String {
    let count = text.unicodeScalars.count
    guard count > limit + 20 else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit))) + "… (\(grouped(count - limit)) more characters)"
  }
}
