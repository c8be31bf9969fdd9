/// Lines over time, as a picture that a page holds in itself. Colours and dashes are those of the page's style, told apart without colour too.
struct LineChart {
  struct Line {
    /// What it stands for, as it was in the input.
    var name: String
    /// One for each moment; nil where there is none yet.
    var values: [Double?]
  }

  /// Lines that are drawn, as many as the style can tell apart.
  static let lineLimit = 6

  private static let width = 360.0
  private static let height = 170.0
  private static let left = 46.0
  private static let right = 352.0
  private static let top = 10.0
  private static let bottom = 144.0

  /// What is shown, for those who do not see it.
  let words: String
  /// At most `lineLimit`, each with as many values.
  let lines: [Line]
  /// What stands below the first and the last moment.
  let ends: (first: String, last: String)
  /// How a value is written.
  let write: (Double) -> String

  func svg() -> String {
    let most = lines.flatMap(\.values).compactMap(\.self).max() ?? 0
    let (step, top) = LineChart.scale(most)
    let grid = stride(from: 0, through: top, by: step).map { value in
      let y = Markup.plain(LineChart.y(value, top))
      return "<line class=\"grid\" x1=\"\(Markup.plain(LineChart.left))\" x2=\"\(Markup.plain(LineChart.right))\" y1=\"\(y)\" y2=\"\(y)\"/>"
        + "<text class=\"mark\" x=\"\(Markup.plain(LineChart.left - 6))\" y=\"\(Markup.plain(LineChart.y(value, top) + 4))\">\(Markup.escaped(write(value)))</text>"
    }
    let count = lines.first?.values.count ?? 0
    let floor = Markup.plain(LineChart.height - 8)
    let last =
      count < 2
      ? "" : "<text class=\"last\" x=\"\(Markup.plain(LineChart.right))\" y=\"\(floor)\">\(Markup.escaped(ends.last))</text>"
    return """
      <svg class="chart" viewBox="0 0 \(Markup.plain(LineChart.width)) \(Markup.plain(LineChart.height))" role="img" aria-label="\(Markup.escaped(words))">\
      \(grid.joined())\
      <text x="\(Markup.plain(LineChart.left))" y="\(floor)">\(Markup.escaped(ends.first))</text>\(last)\
      \(lines.enumerated().map { path($0.element, number: $0.offset + 1, top) }.joined())</svg>
      """
  }

  /// What the lines are called, with a piece of each.
  func legend() -> String {
    let entries = lines.enumerated().map { at, line in
      "<span><svg class=\"key\" viewBox=\"0 0 28 8\" aria-hidden=\"true\"><line class=\"line s\(at + 1)\" x1=\"0\" x2=\"28\" y1=\"4\" y2=\"4\"/></svg> "
        + "\(Markup.name(line.name))</span>"
    }
    return "<p class=\"legend\">\(entries.joined(separator: " "))</p>"
  }

  private func path(_ line: Line, number: Int, _ top: Double) -> String {
    let places = line.values.enumerated().compactMap { at, value in
      value.map { (x: LineChart.x(at, of: line.values.count), y: LineChart.y($0, top)) }
    }
    guard let last = places.last else { return "" }
    let points = places.map { "\(Markup.plain($0.x)),\(Markup.plain($0.y))" }.joined(separator: " ")
    return "<polyline class=\"line s\(number)\" points=\"\(points)\"/>"
      + "<circle class=\"end s\(number)\" cx=\"\(Markup.plain(last.x))\" cy=\"\(Markup.plain(last.y))\" r=\"3\"/>"
  }

  private static func x(_ at: Int, of count: Int) -> Double {
    count < 2 ? left : left + (right - left) * Double(at) / Double(count - 1)
  }

  private static func y(_ value: Double, _ top: Double) -> Double {
    bottom - (top == 0 ? 0 : (bottom - LineChart.top) * value / top)
  }

  /// The distance of grid lines, one, two or five of a power of ten, and the uppermost of two to five lines that leave no value out.
  static func scale(_ most: Double) -> (step: Double, top: Double) {
    guard most > 0, most.isFinite else { return (1, 1) }
    var step = 1.0
    while step < most { step *= 10 }
    while step >= most { step /= 10 }
    // Now the greatest power of ten below the value.
    let factor = [1.0, 2, 5].first { most <= 4 * step * $0 } ?? 10
    step *= factor
    return (step, step * (most / step - 1e-9).rounded(.up))
  }
}
