"""One isolated office: a sandbox, its services and one clock."""
