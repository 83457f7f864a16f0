/// All routes over an instance; those of health and metrics come with the service.
struct ServiceRoutes: Sendable {
  let rooms: ServiceRooms
  let strangers: StrangerLimits

  var all: [Route] {
    ESTRoutes(rooms: rooms, strangers: strangers).routes + EnrollmentRoutes(rooms: rooms, strangers: strangers).routes
      + AttestationRoutes(rooms: rooms, strangers: strangers).routes
      + PublicRoutes(rooms: rooms).routes + DeviceRoutes(rooms: rooms).routes
      + RegistryRoutes(rooms: rooms, strangers: strangers).routes
      + OrderRoutes(rooms: rooms).routes
      + BatchRoutes(rooms: rooms, strangers: strangers).routes
      + AllowanceRoutes(rooms: rooms, strangers: strangers).routes
      + InstanceRoutes(rooms: rooms).routes + VaultRoutes(rooms: rooms, strangers: strangers).routes
      + LedgerRoutes(rooms: rooms).routes + HubRoutes(rooms: rooms).routes + KeyRoutes(rooms: rooms).routes
      + RolloverRoutes(rooms: rooms, strangers: strangers).routes
  }
}
