"""What hangs on `ctx`: one client per environment, the same for the live world and for frozen ones.

Names, parameters, results and errors are those that published tasks rely on. Methods are asynchronous because
tasks await them; none really waits.
"""
