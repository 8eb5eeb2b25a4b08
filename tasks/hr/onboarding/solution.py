"""The author's own solution, through the tools that any agent has."""

import json

BUDDIES = {"Dara Finch": "Lena Vogt", "Tomas Reyes": "Owen Pryce", "Yuki Amsel": "Nadia Rahimi"}
LINES = {"Dara Finch": 2, "Tomas Reyes": 3, "Yuki Amsel": 4}


def address(name):
    return name.lower().replace(" ", ".") + "@tallowmere.example"


def write(agent, cells, *values):
    agent.tool(
        "sheets_write", spreadsheet="Onboarding tracker", range=f"Hires!{cells}", values=[list(values)]
    )


def read_mail(agent):
    for message in json.loads(agent.tool("email_list", unread_only=True))["messages"]:
        agent.tool("email_read", uid=message["uid"])


def ticket(agent, name, kind, due, asset=""):
    values = {"kind": kind, "hire": address(name), "due": due, "status": "open"}
    values["assignee"] = "it-desk" if kind == "laptop" else "reception"
    if asset:
        values["asset"] = asset
    agent.tool("desk_create", resource="tickets", values=values)


def tickets(agent, name):
    found = agent.tool("desk_list", resource="tickets", filters={"hire": address(name), "status": "open"})
    return json.loads(found)["items"]


def event(agent, name):
    found = json.loads(agent.tool("calendar_events", calendar="Onboarding"))
    return next(e["uid"] for e in found if e["summary"] == f"Welcome: {name}")


def tuesday(agent):
    read_mail(agent)
    agent.tool("view_image", path="team-chat.png")
    agent.shell(
        "python3 -c 'import openpyxl\n"
        'for sheet in openpyxl.load_workbook("seats-and-equipment.xlsx"):\n'
        "    for row in sheet.values: print(*row)'"
    )
    agent.tool("sheets_read", spreadsheet="Floor plan", range="Seats")
    agent.tool("calendar_events", start="2025-05-12", end="2025-05-12")
    plan = (
        ("Dara Finch", "N-07", "LT-203", "09:00", "10:00"),
        ("Tomas Reyes", "S-04", "LT-208", "10:00", "11:00"),
        ("Yuki Amsel", "W-05", "LT-214", "11:00", "12:00"),
    )
    for name, seat, laptop, begins, ends in plan:
        write(agent, f"D{LINES[name]}:H{LINES[name]}", seat, laptop, BUDDIES[name], "Heron", begins)
        agent.tool("calendar_create_event", calendar="Onboarding", summary=f"Welcome: {name}",
                   start=f"2025-05-12T{begins}:00+02:00", end=f"2025-05-12T{ends}:00+02:00", location="Heron",
                   attendees=[address(name), address(BUDDIES[name])])  # fmt: skip
        ticket(agent, name, "laptop", "2025-05-09", laptop)
        ticket(agent, name, "badge", "2025-05-09")


def wednesday(agent):
    read_mail(agent)
    agent.tool("calendar_events", start="2025-05-14", end="2025-05-14")
    agent.tool("calendar_update_event", uid=event(agent, "Yuki Amsel"), start="2025-05-14T10:00:00+02:00",
               end="2025-05-14T11:00:00+02:00")  # fmt: skip
    write(agent, "C4", "2025-05-14")
    write(agent, "H4", "10:00")
    for found in tickets(agent, "Yuki Amsel"):
        agent.tool("desk_update", resource="tickets", id=found["id"], values={"due": "2025-05-13"})


def thursday(agent):
    read_mail(agent)
    agent.tool("calendar_events", calendar="Rooms")
    agent.tool("sheets_read", spreadsheet="Floor plan", range="Seats")
    agent.tool("desk_list", resource="tickets")
    for name in ("Dara Finch", "Tomas Reyes"):
        agent.tool("calendar_update_event", uid=event(agent, name), location="Kestrel")
        write(agent, f"G{LINES[name]}", "Kestrel")
    write(agent, "D2", "N-09")
    ticket(agent, "Tomas Reyes", "laptop", "2025-05-09", "LT-211")
    write(agent, "E3", "LT-211")


def friday(agent):
    read_mail(agent)
    for line in LINES.values():
        write(agent, f"I{line}", "ready")
    rows = json.loads(agent.tool("sheets_read", spreadsheet="Onboarding tracker", range="Hires!A2:I4"))[
        "values"
    ]
    agent.tool(
        "email_send",
        to=["petra.lindqvist@tallowmere.example"],
        subject="Onboarding summary",
        body="\n".join(f"{r[0]}: {r[2]}, seat {r[3]}, {r[4]}, buddy {r[5]}, {r[6]} at {r[7]}" for r in rows),
    )
    agent.tool(
        "email_send",
        to=["everyone@tallowmere.example"],
        subject="Welcome our new colleagues",
        body="\n".join(f"{r[0]} starts on {r[2]}; the buddy is {r[5]}." for r in rows),
    )
