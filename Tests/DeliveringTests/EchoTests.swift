import Testing

@testable import Delivering

@Suite("What a server repeats of visitors") struct EchoTests {
  private let body = #"""
    {"account_id":"12345","visitors":[{"visitor_id":"bob@example.com","session_id":"s-1","attributes":[{"type":"custom","key":"plan","value":"gold"}],"snapshots":[{"decisions":[],"events":[{"entity_id":"9001","key":"sale","timestamp":1714600000000,"uuid":"u-9","tags":{"coupon":"SPRING 24","note":"say \"hi\" A1"}}]}]},{"visitor_id":"é1","snapshots":[]},{"visitor_id":"u77"}]}
    """#

  private func told(_ words: String) -> String {
    String(decoding: Echo.removed(from: Array(words.utf8), of: Array(body.utf8)), as: UTF8.self)
  }

  @Test(
    "is left out, in whichever case and form, and nothing else",
    arguments: [
      ("visitor BOB@EXAMPLE.COM (bob%40example.com) / bob%40Example.com", "visitor … (…) / …"),
      (#"bad "u77""#, #"bad "…""#), ("u777 xu77 u77x u77", "u777 xu77 u77x …"), ("u77", "…"), ("u77,u77", "…,…"),
      ("coupon spring 24 of plan GOLD in s-1", "coupon … of plan … in …"), (#"say \"hi\" a1!"#, "…!"), ("é1 %c3%a91 %C3%A91", "… … …"),
      (
        "entity 9001 of account 12345 unknown: sale, uuid u-9, type custom",
        "entity 9001 of account 12345 unknown: sale, uuid u-9, type custom"
      ),
      ("visitors[0].visitor_id: required", "visitors[0].visitor_id: required"), ("", ""), ("bob", "…"), ("bo", "bo"),
      ("it breaks off in bob@exam", "it breaks off in …"), ("bob@exam and goes on", "bob@exam and goes on"),
    ])
  func leftOut(words: String, rest: String) { #expect(told(words) == rest) }

  @Test(
    "text that is no JSON, or ends in the middle of a string, hides what can be found in it",
    arguments: [#"{"visitor_id":"u77"#, #"{"visitor_id":"u77\"#, "", "\""])
  func broken(body: String) {
    let found = Echo.removed(from: Array("u77 is bad".utf8), of: Array(body.utf8))
    #expect(["u77 is bad", "… is bad"].contains(String(decoding: found, as: UTF8.self)))
  }
}
