/// What a run's report is set in, besides the style of the results page.
enum RunReportStyle {
  static let css =
    PageParts.style + """

      nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0 0; padding: 0 }
      .chapter { margin: 2rem 0; scroll-margin-top: 1rem }
      h3 { font-size: 1.05rem; margin: 1.5rem 0 .5rem }
      code, pre { font: .875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
      code { white-space: normal }
      pre code { white-space: inherit }
      pre { white-space: pre-wrap; background: var(--band); border: 1px solid var(--line); border-radius: 4px; padding: .5rem .75rem;
        margin: .5rem 0; max-width: 60rem }
      .tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem 1.5rem; margin: 1.25rem 0 }
      .tiles dt { color: var(--soft); font-size: .875rem }
      .tiles dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums }
      .tiles small { font-size: .875rem; font-weight: normal; color: var(--soft) }
      .note { border-left: 4px solid var(--bar); background: var(--band); padding: .5rem .9rem; margin: 1rem 0; max-width: 60rem }
      .note.bad { border-color: var(--warn) }
      .state { font-weight: 600 }
      .flow { display: block; width: 100%; max-width: 34rem; margin: .5rem 0 1rem }
      .flow text { fill: currentColor; font-size: 12px }
      .flow .count { font-weight: 600; font-variant-numeric: tabular-nums }
      .flow .name { font-weight: normal; font-size: 11px; fill: var(--soft) }
      .flow rect { fill: var(--soft) }
      .flow rect.good { fill: var(--bar) }
      .flow rect.bad { fill: var(--warn) }
      .flow .stream { fill: var(--soft); fill-opacity: .16 }
      .flow .stream.good { fill: var(--bar); fill-opacity: .2 }
      .flow .stream.bad { fill: var(--warn); fill-opacity: .25 }
      .chart { max-width: 60rem; margin: .75rem 0 1rem }
      .chart svg { display: block; width: 100%; height: 9rem }
      .chart .axis { display: flex; justify-content: space-between; gap: 1rem; margin: .15rem 0; max-width: none; font-size: .8125rem;
        color: var(--soft); font-variant-numeric: tabular-nums }
      .chart line { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke }
      .chart .base { stroke: var(--soft) }
      .chart .gap { stroke: var(--soft); stroke-dasharray: 2 4 }
      .whole { fill: var(--soft); fill-opacity: .45 }
      .part { fill: var(--bar) }
      .bad .part { fill: var(--warn) }
      .key { display: inline-block; width: .8em; height: .8em; margin-right: .35em; background: var(--bar) }
      .key.pale { background: var(--soft); opacity: .45 }
      .share { width: 7rem; height: .7rem; vertical-align: middle }
      details { margin: .5rem 0 }
      summary { cursor: pointer; color: var(--link); width: fit-content }
      summary:focus-visible, main:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
      .samples { margin: .5rem 0 1rem; padding-left: 1.25rem; max-width: 60rem }
      .samples li { margin: .4rem 0 }
      .long th:first-child { max-width: 26rem; min-width: 10rem }
      .told th:first-child { max-width: 34rem }
      .told th small { display: block; color: var(--soft); font-size: .875em }
      .sum th, .sum td { font-weight: 600; border-top: 1px solid var(--soft) }
      td.bar, td.word { text-align: left }
      time { white-space: nowrap }
      caption { white-space: nowrap }
      td.wide { white-space: normal; overflow-wrap: anywhere; min-width: 12rem }
      @media (max-width: 40rem) {
        .tiles { grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .6rem 1rem }
        .chart svg { height: 7rem }
        .told th:first-child { max-width: 11rem }
        caption { white-space: normal }
        .long th:first-child { max-width: 11rem; min-width: 8rem }
      }
      @media print {
        nav, summary { display: none }
        details::details-content { content-visibility: visible; display: block }
        .tiles { grid-template-columns: repeat(4, 1fr) }
        .share { width: 4rem }
        pre { white-space: pre-wrap }
        h2, h3 { break-after: avoid }
        tr, .chart, .flow, .samples li { break-inside: avoid }
      }

      """
}
