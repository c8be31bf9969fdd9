import Testing

@testable import Disk

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct InterruptionTests {
  @Test("a call that signals interrupt is made again until it is through", arguments: [0, 1, 2, 100])
  func interrupted(times: Int) {
    var calls = 0
    let result = uninterrupted { () -> Int32 in
      calls += 1
      errno = EINTR
      return calls > times ? 7 : -1
    }
    #expect(result == 7)
    #expect(calls == times + 1)
  }

  @Test("any other failure is told at once, with its number", arguments: [EIO, ENOSPC, EAGAIN])
  func failed(code: Int32) {
    var calls = 0
    let result = uninterrupted { () -> Int in
      calls += 1
      errno = calls == 1 ? EINTR : code
      return -1
    }
    #expect(result == -1 && errno == code)
    #expect(calls == 2)
  }
}
