import Testing

@testable import Disk

@Suite struct FileSystemTests {
  private let mounts = """
    22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
    30 22 0:25 / /data rw - nfs4 server:/export rw,vers=4.2
    31 30 8:2 / /data/local rw shared:5 master:2 - xfs /dev/sdb1 rw
    32 22 0:26 / /with\\040space rw - cifs //server/share rw
    33 22 0:27 / /home/a rw - fuse.sshfs a@b: rw
    34 22 0:28 / /cover rw - nfs a:/b rw
    35 22 0:29 / /cover rw - tmpfs none rw
    broken line
    """

  @Test(
    "a path's file system is that of the longest mount above it, and of two at one place the later",
    arguments: [
      ("/", nil), ("/srv/state", nil), ("/data", "nfs4"), ("/data/state", "nfs4"), ("/database", nil), ("/data/local/state", nil),
      ("/with space/x", "cifs"), ("/home/a/b", "fuse.sshfs"), ("/home/ab", nil), ("/cover/x", nil),
    ])
  func kinds(path: String, kind: String?) {
    #expect(Folder.networkFileSystem(of: path, mounts: mounts) == kind)
  }

  @Test("a path that is not there is on no file system that anybody knows")
  func missing() {
    #expect(Folder.networkFileSystem(of: "/no/such/place") == nil)
  }
}
