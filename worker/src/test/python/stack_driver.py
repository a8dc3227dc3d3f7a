"""Makes the stack of a template somewhere, says what was made, and takes it away again.

  stack_driver.py create ENDPOINT REGION NAME TEMPLATE    prints one line of JSON
  stack_driver.py delete ENDPOINT REGION NAME
"""

import json
import pathlib
import sys
import time

import boto3

MINUTES = 5
# They stand for a network that somebody has; nothing runs in it.
PARAMETERS = {
    "ImageUri": "example.invalid/chroma-compactor:1",
    "SubnetIds": "subnet-00000000000000001,subnet-00000000000000002",
    "SecurityGroupIds": "sg-00000000000000001",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:000000000000:alarms",
}


def main(what, endpoint, region, name, *more):
    session = boto3.Session("any", "any", region_name=region)
    clients = {each: session.client(each, endpoint_url=endpoint) for each in ("cloudformation", "cloudwatch", "iam", "s3")}
    print(json.dumps({"create": create, "delete": delete}[what](clients, name, *more)))


def create(clients, name, template):
    formation = clients["cloudformation"]
    formation.create_stack(
        StackName=name,
        TemplateBody=pathlib.Path(template).read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()],
    )
    stack = ended(formation, name)
    resources = formation.describe_stack_resources(StackName=name)["StackResources"]
    made = {each["LogicalResourceId"]: each.get("PhysicalResourceId") for each in resources}
    alarms = clients["cloudwatch"].describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    return {
        "status": stack["StackStatus"],
        "resources": {
            each["LogicalResourceId"]: {
                "type": each["ResourceType"],
                "status": each["ResourceStatus"],
                "why": each.get("ResourceStatusReason", ""),
            }
            for each in resources
        },
        "outputs": stack.get("Outputs", []),
        "alarms": [each["AlarmName"] for each in alarms],
        "worker": clients["iam"].get_role_policy(RoleName=made["TaskRole"], PolicyName="worker")["PolicyDocument"],
        "refused": pointer_is_refused(clients["s3"], made["Bucket"]),
        "policy": json.loads(clients["s3"].get_bucket_policy(Bucket=made["Bucket"])["Policy"]),
    }


def pointer_is_refused(s3, bucket):
    """Whether a pointer cannot be written without a condition, as the bucket's policy wants it."""
    try:
        s3.put_object(Bucket=bucket, Key="refused/snapshot/latest-pointer.txt", Body=b"anything")
        return False
    except s3.exceptions.ClientError as e:
        if e.response["Error"]["Code"] != "AccessDenied":
            raise
        return True


def delete(clients, name):
    formation = clients["cloudformation"]
    stack = formation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    formation.delete_stack(StackName=name)
    status = ended(formation, stack)["StackStatus"]
    return {"status": status}


def ended(formation, name):
    deadline = time.monotonic() + MINUTES * 60
    while time.monotonic() < deadline:
        stack = formation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.5)
    sys.exit(f"stack {name} is still {stack['StackStatus']} after {MINUTES} minutes")


if __name__ == "__main__":
    main(*sys.argv[1:])
