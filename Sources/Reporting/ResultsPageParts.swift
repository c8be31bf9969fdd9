import Bytes
import Foundation

/// What a results page is made of besides its numbers.
enum PageParts {
  /// Baselines that can be chosen: a page shows as many comparisons of each variation.
  static let baselines = 12
  /// Attributes that can be chosen, and values of each that are shown.
  static let attributes = 20
  static let values = 12
  /// Variations that are compared in segments, at most.
  static let comparedInSegments = 4

  /// The policy of a page: nothing but its own style and script, by their digests.
  static func policy(isLive: Bool, hasForm: Bool = false) -> String {
    let form = hasForm ? "'self'" : "'none'"
    let ours = "default-src 'none'; style-src \(digest(style)); img-src data:; base-uri 'none'; form-action \(form)"
    return isLive ? ours + "; script-src \(digest(script)); connect-src 'self'" : ours
  }

  static func digest(_ text: String) -> String {
    let words = sha256(Array(text.utf8).span)
    var bytes: [UInt8] = []
    for at in 0..<8 { for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: words[at] >> UInt32(shift))) } }
    return "'sha256-\(Data(bytes).base64EncodedString())'"
  }

  /// A page's colours have at least 4.5 to 1 between text and ground, light and dark.
  static let style =
    """
    :root { color-scheme: light dark; --ground: #fff; --text: #1b1f24; --soft: #57606a; --line: #d0d7de; --band: #f6f8fa;
      --link: #0550ae; --warn: #9a3412; --bar: #0550ae; --one: #0550ae; --two: #bc4c00; --three: #116329; --four: #8250df; --five: #57606a;
      --six: #a40e6b }
    @media screen and (prefers-color-scheme: dark) {
      :root { --ground: #14181d; --text: #e6edf3; --soft: #a0aab5; --line: #3a434d; --band: #1c2229; --link: #79b8ff;
        --warn: #ffb68a; --bar: #79b8ff; --one: #79b8ff; --two: #ffb68a; --three: #7ee787; --four: #d2a8ff; --five: #a0aab5; --six: #ff9bce }
    }
    * { box-sizing: border-box }
    body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
    .skip { position: absolute; left: -100vw }
    .skip:focus { left: 1rem; top: 1rem; padding: .5rem; background: var(--ground) }
    main, header, footer { max-width: 82rem; margin: 0 auto; padding: 0 1rem }
    header { padding-top: 1.5rem }
    section { margin: 2.5rem 0 }
    h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem }
    h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line) }
    p { margin: .5rem 0; max-width: 46rem }
    bdi { overflow-wrap: anywhere }
    a { color: var(--link) }
    a:focus-visible, select:focus-visible, input:focus-visible, textarea:focus-visible, button:focus-visible, summary:focus-visible,
    .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
    .soft, caption small, thead small { color: var(--soft); font-weight: normal }
    .warn { color: var(--warn); font-weight: 600 }
    select { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: 4px;
      padding: .25rem .5rem; max-width: 100% }
    .scroll { overflow-x: auto; margin: 1rem 0; font-size: .9375rem }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums }
    caption { text-align: left; font-weight: 600; padding-bottom: .4rem }
    th, td { padding: .3rem .6rem; text-align: right; vertical-align: baseline; border-bottom: 1px solid var(--line) }
    th:first-child, .words { text-align: left }
    th:first-child { padding-left: .25rem; min-width: 9rem; max-width: 16rem; position: sticky; left: 0; background: var(--ground) }
    tbody th { font-weight: normal }
    thead th { vertical-align: bottom; font-weight: 600; border-bottom-color: var(--soft) }
    thead th { white-space: nowrap }
    thead small { display: block }
    .event th { background: var(--band); font-weight: 600; max-width: none }
    .event th > span { position: sticky; left: .25rem; display: inline-block; max-width: calc(100vw - 3rem) }
    .event th .soft { font-weight: normal }
    td { white-space: nowrap }
    td.words { white-space: normal; min-width: 16rem }
    .clear { font-weight: 600 }
    .interval { width: 6rem; height: .6rem; vertical-align: middle; overflow: visible }
    .interval line { stroke: var(--bar); stroke-width: 2.5 }
    .interval .zero { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 2 2 }
    .interval circle { fill: var(--text) }
    h3 { font-size: 1.05rem; margin: 1.75rem 0 .25rem }
    .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1rem 2rem; margin: 1rem 0 }
    figure { margin: 0; min-width: 0 }
    figcaption { font-weight: 600 }
    figcaption small { font-weight: normal }
    .chart { display: block; width: 100%; max-width: 30rem; height: auto; color: var(--soft) }
    .chart text { fill: currentColor; font-size: 11px }
    .chart .mark, .chart .last { text-anchor: end }
    .grid { stroke: var(--line); stroke-width: 1 }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round }
    .legend { display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; margin: .1rem 0 .25rem; font-size: .9375rem; max-width: 30rem }
    .key { width: 1.75rem; height: .5rem }
    .s1 { stroke: var(--one) } .s2 { stroke: var(--two); stroke-dasharray: 7 3 } .s3 { stroke: var(--three); stroke-dasharray: 2 3 }
    .s4 { stroke: var(--four); stroke-dasharray: 9 3 2 3 } .s5 { stroke: var(--five) } .s6 { stroke: var(--six); stroke-dasharray: 4 2 }
    .end { stroke-dasharray: none; stroke-width: 2; fill: var(--ground) }
    summary { cursor: pointer; color: var(--link); width: fit-content }
    .field { display: grid; grid-template-columns: 9rem minmax(0, 34rem); gap: .25rem 1rem; margin: .9rem 0; align-items: start }
    .field label { font-weight: 600; padding-top: .4rem }
    .field small, .field .warn { display: block; margin-top: .2rem }
    .field input, .field textarea { font: 1rem/1.4 ui-monospace, monospace; color: inherit; background: var(--ground); width: 100%;
      border: 1px solid var(--soft); border-radius: 4px; padding: .35rem .5rem }
    .field textarea { resize: vertical }
    [aria-invalid] { border-color: var(--warn) !important; border-width: 2px !important }
    code { white-space: nowrap }
    .made caption { white-space: nowrap }
    .actions { margin: 1.25rem 0 0 10rem; display: flex; gap: 1.5rem; align-items: baseline }
    button { font: inherit; font-weight: 600; color: var(--ground); background: var(--link); border: 0; border-radius: 4px;
      padding: .45rem 1.5rem; cursor: pointer }
    footer { padding-bottom: 3rem; color: var(--soft); font-size: .925rem }
    footer h2 { color: var(--text) }
    footer li { max-width: 46rem; margin: .35rem 0 }
    @media (max-width: 40rem) {
      th, td { padding: .3rem .5rem }
      th:first-child { max-width: 9rem; min-width: 5.5rem }
      td.words { min-width: 10rem }
      .field { grid-template-columns: minmax(0, 1fr) }
      .field label { padding-top: 0 }
      .actions { margin-left: 0 }
    }
    @media print {
      :root { color-scheme: light }
      th, td { padding: .2rem .3rem }
      td, thead th, .choice, .made caption, code { white-space: normal }
      th:first-child { min-width: 3rem; max-width: 9rem; position: static }
      .scroll { font-size: 8pt }
      .event th > span { max-width: none }
      .interval { display: none }
      .skip, #live, .choice, .actions { display: none }
      .scroll { overflow: visible }
      .by, details:not([open]) { display: none }
      body { font-size: 9pt }
      section { break-inside: avoid }
    }
    @supports not selector(:has(a)) { .choice { display: none } .versus:not(.v1) { display: none } }

    """
    + (1...baselines).map { "section:has(.choice option:nth-child(\($0)):checked) .versus:not(.v\($0)) { display: none }\n" }.joined()
    + (1...attributes).map { "section:has(.by option:nth-child(\($0)):checked) .segment:not(.a\($0)) { display: none }\n" }.joined()

  /// Asks for the page anew while it is looked at, and puts the numbers in place when they have changed. Waits ten times as long as an
  /// answer took, so that a page over a large history does not keep the sandbox busy.
  static let script = """
    "use strict";
    (() => {
      const live = document.getElementById("live");
      const main = document.querySelector("main");
      let shown = main.innerHTML, wait = 2000, timer = 0, isAsking = false;
      const say = (words) => { if (live.textContent !== words) live.textContent = words; };
      const key = (element) => element && (element.name || element.dataset.key);
      const all = () => [...main.querySelectorAll("select, .scroll, details, summary")];
      const put = (fresh) => {
        const focused = key(document.activeElement);
        const old = all().map((element) => [key(element), element.value, element.scrollLeft, element.open]);
        main.replaceChildren(...fresh.childNodes);
        for (const [name, value, left, open] of old) {
          const element = all().find((one) => key(one) === name);
          if (!element) continue;
          if (element.options && [...element.options].some((one) => one.value === value)) element.value = value;
          if (open) element.open = true;
          element.scrollLeft = left;
          if (name === focused) element.focus({ preventScroll: true });
        }
      };
      const look = async () => {
        if (document.hidden || isAsking) return;
        isAsking = true;
        const begun = performance.now();
        try {
          const answer = await fetch(location.pathname, { cache: "no-cache" });
          if (!answer.ok) throw new Error(answer.status);
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const fresh = page.querySelector("main");
          const text = fresh.innerHTML;
          if (text !== shown) { put(fresh); shown = text; }
          wait = Math.max(2000, 10 * (performance.now() - begun));
          say("Live: new numbers appear by themselves.");
        } catch {
          wait = Math.min(30000, 2 * wait);
          say("The sandbox does not answer; these are its last numbers.");
        }
        isAsking = false;
        clearTimeout(timer);
        timer = setTimeout(look, wait);
      };
      document.addEventListener("visibilitychange", look);
      timer = setTimeout(look, wait);
    })();
    """
}
