"""The other side of the contract: judging what clients send, and what they make of replies.

    messages      HTTP/1.1 as it stands on the wire, read from bytes while they pass
    service       a listener; before it stands a client, behind it one of the next two
    relay         between a client and a server: every byte goes on as it came
    script        in place of a server: answers of every kind that there may be (scenarios)
    nodes, trees  JSON and XML with the place of every value
    papers        one request: its address (envelope), credentials (forms), document (shapes)
    asking, repeats   beside what was asked for, and beside the requests before it
    replying      what the server answered
    hearing       all of it together, with coverage; showing makes it fit to be printed
    archive       HTTP Archives, read and written
    program, outcomes   the client as a program, and what became of it
    running       the commands client, proxy and har
    reach, proving    what clients are held to, and the proof that each rule is seen broken

Lives here: nothing but this map.
Never here: an import of the binding; credentials that outlive the exchange in which they came.
"""
