#if canImport(Glibc)
  internal import CMalloc
#endif

/// How the process asks the system for memory.
package enum ProcessMemory {
  /// Lets buffers of 256 KiB and more go back to the system when they are freed. Left to itself, glibc raises this bound with the first
  /// large buffer and then keeps what was freed, up to tens of megabytes a thread, which `--memory` does not allow for.
  package static func returnLargeBuffers() {
    #if canImport(Glibc)
      _ = mallopt(M_MMAP_THRESHOLD, 256 << 10)
    #endif
  }

  /// Lets freed buffers be kept for the next ones again, as glibc comes to do when it is left to itself, with the greatest bounds that it sets: taking
  /// memory anew for each body that is sent costs more than the body.
  package static func keepLargeBuffers() {
    #if canImport(Glibc)
      _ = mallopt(M_MMAP_THRESHOLD, 32 << 20)
      _ = mallopt(M_TRIM_THRESHOLD, 64 << 20)
    #endif
  }
}
