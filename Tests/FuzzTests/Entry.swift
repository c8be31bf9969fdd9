import Foundation

/// The function that the environment names; libFuzzer calls it with one input after the other. What it throws ends the program, so that
/// libFuzzer keeps the input.
private let target: Fuzzed = {
  let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
  guard let target = Fuzzed(rawValue: name) else {
    print("FUZZ_TARGET names none of \(Fuzzed.allCases.map(\.rawValue).joined(separator: ", "))")
    exit(64)
  }
  return target
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  do {
    try target.feed([UInt8](UnsafeBufferPointer(start: start, count: count)))
  } catch {
    print("FINDING \(error)")
    // What is still in the buffer would be lost.
    fflush(nil)
    abort()
  }
  return 0
}
