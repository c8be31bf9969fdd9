/// The trouble that a sandbox makes on demand, as a page with a form that needs no script.
package struct FaultsPage: Sendable {
  /// One field: what it is called when it is sent, and what people read.
  package struct Field: Sendable {
    package var name: String
    package var label: String
    package var hint: String
    /// Whether it has lines.
    package var isLong: Bool
    package var value: String
    /// What is wrong with the value, if anything.
    package var problem: String?

    package init(name: String, label: String, hint: String, isLong: Bool, value: String, problem: String?) {
      self.name = name
      self.label = label
      self.hint = hint
      self.isLong = isLong
      self.value = value
      self.problem = problem
    }
  }

  private let fields: [Field]
  private let made: [(label: String, count: Int)]
  private let seconds: Int?
  private let isSet: Bool

  /// `made` counts what has happened since the trouble was set; `seconds` have gone by since the first request, if there was one.
  package init(_ fields: [Field], made: [(label: String, count: Int)], seconds: Int?, isSet: Bool) {
    self.fields = fields
    self.made = made
    self.seconds = seconds
    self.isSet = isSet
  }

  /// The Content-Security-Policy that a served page has.
  package static var policy: String { PageParts.policy(isLive: false, hasForm: true) + "; frame-ancestors 'none'" }

  package func html() -> String {
    let problems = fields.count { $0.problem != nil }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(PageParts.policy(isLive: false, hasForm: true))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(problems > 0 ? "Not set: " : "")Trouble on demand – optireplay</title>
      <link rel="icon" href="data:,">
      <style>\(PageParts.style)</style>
      </head>
      <body>
      <header>
      <h1>Trouble on demand</h1>
      <p>What this sandbox does to requests for events, so that an import can be rehearsed against it. It ends with the sandbox.
      <a href="/">Expected results</a></p>
      \(note(problems))
      </header>
      <main>
      <form method="post" action="/faults">
      \(fields.map(row).joined(separator: "\n"))
      <p class="actions"><button type="submit">Set</button> <a href="/faults">Leave as it was</a></p>
      </form>
      \(table)
      </main>
      <footer>
      <h2>How it works</h2>
      <ul>
      <li>Requests are numbered as they arrive. An outage goes before rules, rules go before shares, and no request has two troubles.</li>
      <li>Whom a share hits follows from the seed and the request’s number alone. An import with <code>--concurrency 1</code> meets the same
      trouble each time.</li>
      <li>Setting begins anew: the next request is number 1, and outages count from it.</li>
      <li>An import is sent here with <code>--endpoint</code> and this server’s address with <code>/v1/events</code>.</li>
      </ul>
      </footer>
      </body>
      </html>

      """
  }

  private func note(_ problems: Int) -> String {
    if problems > 0 {
      return
        "<p class=\"warn\" role=\"alert\">Nothing was set: \(problems == 1 ? "one field needs" : "\(problems) fields need") another value.</p>"
    }
    return isSet ? "<p role=\"status\"><strong>Set.</strong> It holds from the next request on.</p>" : ""
  }

  private func row(_ field: Field) -> String {
    let id = Markup.escaped(field.name)
    let value = Markup.lines(field.value)
    let state = field.problem == nil ? "" : " aria-invalid=\"true\""
    let described = "aria-describedby=\"\(field.problem == nil ? "" : "\(id)-problem ")\(id)-hint\""
    let attributes = "id=\"\(id)\" name=\"\(id)\" \(described)\(state) autocomplete=\"off\" spellcheck=\"false\""
    // The line end that a browser drops at a text's beginning.
    let control =
      field.isLong
      ? "<textarea \(attributes) rows=\"\(max(3, min(12, field.value.count { $0 == "\n" } + 2)))\">\n\(value)</textarea>"
      : "<input type=\"text\" \(attributes) value=\"\(value)\">"
    let problem = field.problem.map { "<span class=\"warn\" id=\"\(id)-problem\">\(Markup.escaped($0))</span>" } ?? ""
    return """
      <div class="field"><label for="\(id)">\(Markup.escaped(field.label))</label><div>\(control)\(problem)\
      <small class="soft" id="\(id)-hint">\(Markup.escaped(field.hint))</small></div></div>
      """
  }

  private var table: String {
    let rows = made.map { label, count in
      "<tr><th scope=\"row\">\(Markup.escaped(label))</th><td>\(Markup.number("made", count))</td></tr>"
    }
    let since = seconds.map { "\(grouped($0)) s since the first one; reload for more" } ?? "none yet"
    return """
      <section>
      <h2>Since it was set</h2>
      <div class="scroll" role="region" tabindex="0" aria-label="Requests since it was set">
      <table class="made">
      <caption>Requests <small>\(since)</small></caption>
      <thead><tr><th scope="col">What happened</th><th scope="col">Requests</th></tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody>
      </table>
      </div>
      </section>
      """
  }
}
