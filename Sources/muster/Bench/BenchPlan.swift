/// How much of each a run does.
struct BenchPlan: Sendable {
  var fleet = 100_000
  var revoked = 100_000
  var connections = 16
  /// Devices that enroll one by one.
  var enrollments = 4000
  /// Devices of a batch.
  var batch = 20_000
  /// Boards at a scanner.
  var scans = 500
  /// Reads by a hub, and questions about a certificate.
  var reads = 10_000
  /// Devices that have keys, and how often each key is tried.
  var holders = 256
  var tokens = 65_536
  /// Hubs that wait for one change, and how many changes there are.
  var hubs = 100
  var changes = 40
  /// How often the CRLs are built.
  var builds = 5
  /// Certificates asked about for the first time.
  var firstQuestions = 800
  /// Secrets that are brought under another key.
  var rewraps = 1_000_000
  /// The same of a service that answers meanwhile.
  var rewrapsUnderLoad = 200_000
  /// Seconds of requests before those that come while secrets are brought under another key.
  var secondsBefore = 10
  /// Seconds of each of openssl's loops.
  var baselineSeconds = 2
  /// How many syncs, and how many lookups of a kind in a growing fleet.
  var syncs = 200
  var lookups = 2000

  static let quick: BenchPlan = {
    var plan = BenchPlan()
    plan.fleet = 2000
    plan.revoked = 2000
    plan.enrollments = 1000
    plan.batch = 2000
    plan.scans = 50
    plan.reads = 2000
    plan.holders = 32
    plan.tokens = 8192
    plan.changes = 8
    plan.builds = 2
    plan.firstQuestions = 200
    plan.rewraps = 20_000
    plan.rewrapsUnderLoad = 20_000
    plan.secondsBefore = 2
    plan.baselineSeconds = 1
    plan.syncs = 50
    plan.lookups = 200
    return plan
  }()

  /// The sizes at which growth is measured.
  var sizes: [Int] {
    let powers = [10_000, 100_000, 1_000_000, 10_000_000].filter { $0 < fleet }
    return powers + [fleet]
  }
}
