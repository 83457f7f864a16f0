public import ServiceLifecycle

extension ServiceGroupConfiguration.ServiceConfiguration {
  /// A service by the name of its type. What the library would call it is everything that it holds, written out: megabytes
  /// that every start waits for, and that a verbose log has a line of.
  public static func named(_ service: any Service) -> Self {
    ServiceGroupConfiguration.ServiceConfiguration(service: service, serviceName: "\(type(of: service))")
  }
}
