/// Lines of a proposed configuration, and the questions among them.
struct ProposalLines {
  private(set) var lines: [String] = []
  private(set) var questions: [String] = []

  mutating func append(_ line: String) { lines.append(line) }

  mutating func ask(_ question: String, indent: Int = 0) {
    questions.append(question)
    append(String(repeating: " ", count: indent) + "# QUESTION: \(question)")
  }

  mutating func append(_ other: ProposalLines, indent: Int = 0) {
    lines += other.lines.map { String(repeating: " ", count: indent) + $0 }
    questions += other.questions
  }
}
