"""Who is served under which contract: tenants, terms, addresses, deemed receipt, kinds of measures."""
