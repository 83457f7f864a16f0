/// Finds what belongs to a group: a page of it must not cost more the more there is of the others.
let groupIndexes = """
  CREATE INDEX ticket_of_group ON ticket(device_group) WHERE device_group IS NOT NULL;
  CREATE INDEX factory_order_of_group ON factory_order(device_group);
  """
