"""The recording gateway: how every agent's model is asked, and how that is written down, bounded and kept clean.

The chat agent asks through a `Line`; a harness inside a world asks at a `GatewayDoor`, an endpoint there. Both
share one `Provider` per model and one `Ledger` per episode.
"""
