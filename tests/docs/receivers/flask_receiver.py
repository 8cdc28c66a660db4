from flask import Flask, request

from infobip_sms import InvalidResponseError, parse_delivery_reports

app = Flask(__name__)


@app.post("/reports")
def receive() -> tuple[str, int]:
    try:
        reports = parse_delivery_reports(request.get_data(), request.content_type)
    except InvalidResponseError:
        # 400 makes the platform try again for 41 hours: time to find out what is wrong
        return "", 400
    with open("reports.txt", "a") as file:  # kept before 200 is answered; an error here answers 500
        file.writelines(f"{r.message_id} {r.status and r.status.name}\n" for r in reports.results)
    return "", 200
