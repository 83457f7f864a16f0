import MusterModel

/// One view: the tables that it alone writes, and what each kind of event does to them. A commit and a replay use the
/// same projections, so that the two cannot come apart.
protocol Projection {
  static func register(in projections: inout Projections)
}

/// A recorded event of one kind, as a projection sees it.
struct Recorded<Body: EventBody> {
  let body: Body
  /// nil where the kind has none, and where they were erased.
  let details: Body.Details?
  let origin: EventOrigin
}

/// Where, when and by whom an event was recorded, and which records it concerns.
struct EventOrigin {
  let position: UInt64
  let at: Timestamp
  let by: Actor
  let on: [Aggregate]
}

/// A recorded event of any kind.
struct AnyRecorded {
  let kind: String
  let changesRecords: Bool
  let body: any EventBody
  let details: (any Codable & Hashable & Sendable)?
  let origin: EventOrigin
}

/// Kind → what the views make of it, and what they forget when its details are erased.
struct Projections: Sendable {
  private var kinds: [String: any Steps] = [:]

  init(_ views: [any Projection.Type]) {
    for view in views { view.register(in: &self) }
  }

  /// `project` is called for each event of the body's kind.
  mutating func on<Body: EventBody>(
    _: Body.Type, _ project: @escaping @Sendable (Recorded<Body>, Connection) throws(StoreError) -> Void
  ) {
    change(Body.self) { $0.applying.append(.init(run: project)) }
  }

  /// `forget` is called when the details of an event of the body's kind are erased: what it filled from them is to
  /// become NULL, as it is for a replay that finds them erased.
  mutating func onErasure<Body: EventBody>(
    of _: Body.Type, _ forget: @escaping @Sendable (Recorded<Body>, Connection) throws(StoreError) -> Void
  ) {
    change(Body.self) { $0.erasing.append(.init(run: forget)) }
  }

  func apply(_ event: AnyRecorded, _ db: Connection) throws(StoreError) { try kinds[event.kind]?.apply(event, db) }

  func erase(_ event: AnyRecorded, _ db: Connection) throws(StoreError) { try kinds[event.kind]?.erase(event, db) }

  private mutating func change<Body: EventBody>(_: Body.Type, _ change: (inout StepsOfKind<Body>) -> Void) {
    var steps = kinds[Body.kind] as? StepsOfKind<Body> ?? StepsOfKind()
    change(&steps)
    kinds[Body.kind] = steps
  }
}

/// What the views do at the events of one kind.
private protocol Steps: Sendable {
  func apply(_ event: AnyRecorded, _ db: Connection) throws(StoreError)
  func erase(_ event: AnyRecorded, _ db: Connection) throws(StoreError)
}

/// The same, with the body's type: an event's body is looked into once for all views.
private struct StepsOfKind<Body: EventBody>: Steps {
  /// In a type of its own: a list of generic functions is looked up by its type at each use.
  struct Step: Sendable {
    let run: @Sendable (Recorded<Body>, Connection) throws(StoreError) -> Void
  }

  var applying: [Step] = []
  var erasing: [Step] = []

  func apply(_ event: AnyRecorded, _ db: Connection) throws(StoreError) {
    let event = try recorded(event)
    for step in applying { try step.run(event, db) }
  }

  func erase(_ event: AnyRecorded, _ db: Connection) throws(StoreError) {
    let event = try recorded(event)
    for step in erasing { try step.run(event, db) }
  }

  private func recorded(_ event: AnyRecorded) throws(StoreError) -> Recorded<Body> {
    guard let body = event.body as? Body else { throw .damaged("another body in an event of kind \(event.kind)") }
    return Recorded(body: body, details: event.details as? Body.Details, origin: event.origin)
  }
}

extension Projections {
  /// Every view there is.
  static let all = Projections([
    InstanceView.self, PolicyView.self, DeviceView.self, BindingView.self, HardwareView.self, PatternView.self,
    GroupView.self, OperatorView.self, HubView.self, TicketView.self, CertificateView.self,
    IssuerView.self, CRLView.self, VaultView.self, OrderView.self, DeviceKeyView.self, HubReceiptView.self,
    HubFeedView.self, HubSealKeyView.self, AttestationView.self, MakerView.self, KeyRingView.self,
    RolloverView.self,
  ])
}
