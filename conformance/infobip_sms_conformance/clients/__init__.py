"""The other side of the contract: judging what clients send, and what they make of replies.

    messages      HTTP/1.1 as it stands on the wire, read from bytes while they pass
    relay         between a client and a server: every byte goes on as it came
    script        in place of a server: answers of every kind that there may be (scenarios)
    nodes, trees  JSON and XML with the place of every value
    shapes, envelope, forms   what is wrong with a body, with what stands around it, with Authorization
    hearing       every request that arrived, judged; coverage and repetitions among them
    showing       what was received, masked, with the offending place marked
    archive       HTTP Archives, read and written
    running       the commands client, proxy and har

Lives here: nothing but this map.
Never here: an import of the binding; credentials that outlive the exchange in which they came.
"""
