import Policy

/// The policies and profiles in force: those of the last activation. The files are attachments of its event.
enum PolicyView: Projection {
  static func register(in projections: inout Projections) {
    projections.on(PoliciesActivated.self, activated)
  }

  private static func activated(_ event: Recorded<PoliciesActivated>, _ db: Connection) throws(StoreError) {
    try db.run("DELETE FROM policy_file")
    for file in event.body.files {
      try db.run(
        "INSERT INTO policy_file(name, digest, position) VALUES (?, ?, ?)", file.name, file.digest,
        event.origin.position)
    }
  }
}
