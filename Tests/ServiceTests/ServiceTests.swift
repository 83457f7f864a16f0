import Testing

/// The program as a process, as its users see it. One after another: each has a service or more of its own.
@Suite(.serialized) struct ServiceTests {}
