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
  private typealias Step = @Sendable (AnyRecorded, Connection) throws(StoreError) -> Void
  private var applying: [String: [Step]] = [:]
  private var erasing: [String: [Step]] = [:]

  init(_ views: [any Projection.Type]) {
    for view in views { view.register(in: &self) }
  }

  /// `project` is called for each event of the body's kind.
  mutating func on<Body: EventBody>(
    _: Body.Type, _ project: @escaping @Sendable (Recorded<Body>, Connection) throws(StoreError) -> Void
  ) {
    applying[Body.kind, default: []].append(step(project))
  }

  /// `forget` is called when the details of an event of the body's kind are erased: what it filled from them is to
  /// become NULL, as it is for a replay that finds them erased.
  mutating func onErasure<Body: EventBody>(
    of _: Body.Type, _ forget: @escaping @Sendable (Recorded<Body>, Connection) throws(StoreError) -> Void
  ) {
    erasing[Body.kind, default: []].append(step(forget))
  }

  func apply(_ event: AnyRecorded, _ db: Connection) throws(StoreError) {
    for step in applying[event.kind] ?? [] { try step(event, db) }
  }

  func erase(_ event: AnyRecorded, _ db: Connection) throws(StoreError) {
    for step in erasing[event.kind] ?? [] { try step(event, db) }
  }

  private func step<Body: EventBody>(
    _ project: @escaping @Sendable (Recorded<Body>, Connection) throws(StoreError) -> Void
  ) -> Step {
    { (event, db) throws(StoreError) in
      guard let body = event.body as? Body else { throw .damaged("another body in an event of kind \(event.kind)") }
      try project(Recorded(body: body, details: event.details as? Body.Details, origin: event.origin), db)
    }
  }
}

extension Projections {
  /// Every view there is.
  static let all = Projections([
    InstanceView.self, PolicyView.self, DeviceView.self, BindingView.self, HardwareView.self, PatternView.self,
    GroupView.self, OperatorView.self, HubView.self, TicketView.self, CertificateView.self,
    IssuerView.self, CRLView.self, VaultView.self, OrderView.self, DeviceKeyView.self, HubReceiptView.self,
    HubFeedView.self, GroupKeyView.self, AttestationView.self, MakerView.self,
  ])
}
