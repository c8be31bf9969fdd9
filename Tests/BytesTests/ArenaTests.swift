import Bytes
import Testing

@Suite struct ArenaTests {
  @Test("an arena holds what an array would, through every kind of append and growth", arguments: 0..<12)
  func growth(seed: Int) {
    var random = Seeded(seed)
    var arena = ByteArena(limit: 1 << 16, reserving: 1)
    var array: [UInt8] = []
    for _ in 0..<400 {
      switch random.below(8) {
      case 0:
        arena.append(UInt8(7))
        array.append(7)
      case 1:
        let more = random.bytes(random.below(100))
        arena.append(more.span)
        array += more
      case 2:
        arena.append("literal é")
        array += bytes("literal é")
      case 3 where !array.isEmpty:
        let start = random.below(array.count)
        let range = start..<(start + random.below(min(50, array.count - start) + 1))
        arena.appendOwn(range)
        array += array[range]
      case 4:
        #expect(arena.appendZeros(random.below(30)) == array.count)
        array += [UInt8](repeating: 0, count: arena.count - array.count)
      case 5 where array.count >= 8:
        let place = random.below(array.count - 7)
        let number = random.next()
        arena.store(number, at: place)
        for byte in 0..<8 { array[place + byte] = UInt8(truncatingIfNeeded: number >> (8 * UInt64(byte))) }
      case 6 where !array.isEmpty:
        let more = random.bytes(random.below(array.count + 1) % 9)
        guard more.count <= array.count else { continue }
        let place = array.count - more.count
        arena.overwrite(at: place, with: more.span)
        array.replaceSubrange(place..., with: more)
      default:
        let length = array.count - random.below(array.count + 1) / 4
        arena.truncate(to: length)
        array.removeSubrange(length...)
      }
    }
    #expect(copy(arena.span) == array)
    #expect(arena.count == array.count && arena.room == (1 << 16) - array.count)
    arena.removeAll()
    #expect(arena.count == 0 && arena.span.isEmpty)
  }

  @Test("an arena fills to its limit and not a byte further", arguments: [0, 1, 63, 64, 65, 4096, 5000])
  func limit(limit: Int) {
    var arena = ByteArena(limit: limit)
    #expect(arena.room == limit)
    arena.append([UInt8](repeating: 1, count: limit))
    #expect(arena.room == 0 && arena.count == limit)
    arena.append([UInt8]())
    #expect(arena.room == 0)
  }

  @Test("one byte over the limit stops the program, also when the limit is smaller than what is first reserved")
  func overLimit() async {
    await #expect(processExitsWith: .failure) {
      var arena = ByteArena(limit: 10)
      for byte in 0..<11 { arena.append(UInt8(byte)) }
    }
    await #expect(processExitsWith: .failure) {
      var arena = ByteArena(limit: 5000)
      arena.append([UInt8](repeating: 1, count: 5001))
    }
  }

  @Test("stores and truncations outside of what is written stop the program")
  func outside() async {
    await #expect(processExitsWith: .failure) {
      var arena = ByteArena(limit: 100)
      arena.append("1234567")
      arena.store(UInt64(1), at: 0)
    }
    await #expect(processExitsWith: .failure) {
      var arena = ByteArena(limit: 100)
      arena.append("1234567")
      arena.truncate(to: 8)
    }
  }

  @Test("words are loaded lowest byte first at any place, and a place outside stops the program")
  func loads() async {
    let sample: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 7, 0x88, 9]
    #expect(load64(sample.span, 1) == 0x8807_0605_0403_0201)
    #expect(load64(sample.span, 2) == 0x0988_0706_0504_0302)
    #expect(load32(sample.span, 6) == 0x0988_0706)
    await #expect(processExitsWith: .failure) { _ = load64([UInt8](repeating: 0, count: 10).span, 3) }
    await #expect(processExitsWith: .failure) { _ = load32([UInt8](repeating: 0, count: 10).span, -1) }
  }
}
