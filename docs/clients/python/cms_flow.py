#!/usr/bin/env python3
"""What a CMS does with Throng for one campaign, from the crowd to the comparison of its arms.

    protoc -I proto --python_out=STUBS --grpc_python_out=STUBS \\
      --plugin=protoc-gen-grpc_python="$(command -v grpc_python_plugin)" proto/throng/v1/*.proto
    PYTHONPATH=STUBS docs/clients/python/cms_flow.py --server 127.0.0.1:7400 --prefix spring

Needs Debian's python3-grpcio and the users of `throng sample`. Crowds are named PREFIX, PREFIX.A,
PREFIX.B and PREFIX_converted; calls that write are idempotent, so that the flow can be run again.
"""

import argparse
import sys
import time

import grpc

from throng.v1 import compare_pb2, crowd_pb2, crowd_pb2_grpc, error_pb2, insight_pb2_grpc
from throng.v1 import membership_pb2, membership_pb2_grpc, package_pb2, package_pb2_grpc
from throng.v1 import selection_pb2, selection_pb2_grpc, split_pb2, split_pb2_grpc
from throng.v1 import upload_pb2, upload_pb2_grpc, user_pb2

POPULATION = "populations/default"
RULE = "city in ('Beijing', 'Shanghai') and views_7d > 3 and not is_graduate"
DEADLINE_S = 30
STREAM_DEADLINE_S = 300  # of a stream, which may have much to send
EXPORT_ATTEMPTS = 5
RETRY_PAUSE_S = 0.5  # and twice as long after each further attempt
RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
# A failed attempt that the server did not see is made again by gRPC itself.
CHANNEL_OPTIONS = [("grpc.enable_retries", 1), ("grpc.max_receive_message_length", 64 << 20)]


def crowd_name(crowd):
    return f"{POPULATION}/crowds/{crowd}"


def require_users(arm, users):
    """Ends the flow where an arm has nobody: nothing could be checked, told or compared of it."""
    if not users:
        sys.exit(f"error: the arm is empty: {arm} has no users")


def create_crowd(channel, prefix):
    """Saves the rule as a crowd and computes its first version."""
    crowds = crowd_pb2_grpc.CrowdServiceStub(channel)
    crowds.CreateCrowd(
        crowd_pb2.CreateCrowdRequest(
            parent=POPULATION,
            crowd_id=prefix,
            crowd=crowd_pb2.Crowd(
                kind=crowd_pb2.CROWD_KIND_RULE, expression=RULE, online=True, folder="clients"
            ),
            request_id=f"create {prefix}",
        ),
        timeout=DEADLINE_S,
    )
    refreshed = crowds.RefreshCrowd(
        crowd_pb2.RefreshCrowdRequest(name=crowd_name(prefix), request_id=f"refresh {prefix}"),
        timeout=DEADLINE_S,
    )
    print(f"crowd: {refreshed.version.current_count} users, version {refreshed.version.version}")
    return refreshed.version


def split_crowd(channel, prefix):
    """Divides the crowd by lot into two arms of equal weight; returns their crowds' names."""
    splits = split_pb2_grpc.SplitServiceStub(channel)
    splits.CreateSplit(
        split_pb2.CreateSplitRequest(
            parent=POPULATION,
            split_id=prefix,
            split=split_pb2.Split(
                source=prefix,
                salt="cms_flow",
                arms=[split_pb2.SplitArm(name="A"), split_pb2.SplitArm(name="B")],
                online=True,
                folder="clients",
            ),
            request_id=f"split {prefix}",
        ),
        timeout=DEADLINE_S,
    )
    arms = [f"{prefix}.A", f"{prefix}.B"]
    refresh(channel, arms, f"refresh arms of {prefix}")
    return arms


def refresh(channel, names, request_id):
    return crowd_pb2_grpc.CrowdServiceStub(channel).BatchRefreshCrowds(
        crowd_pb2.BatchRefreshCrowdsRequest(
            parent=POPULATION, names=[crowd_name(name) for name in names], request_id=request_id
        ),
        timeout=DEADLINE_S,
    )


def export_arm(channel, arm):
    """Streams the ids of the arm's newest version; a cut stream goes on where it was cut."""
    packages = package_pb2_grpc.PackageServiceStub(channel)
    request = package_pb2.ExportPackageRequest(
        spec=package_pb2.PackageSpec(
            crowd=crowd_name(arm), format=package_pb2.PACKAGE_FORMAT_TXT
        )
    )
    text = bytearray()
    kept = 0  # bytes behind which a resumed stream goes on
    for attempt in range(EXPORT_ATTEMPTS):
        if attempt > 0:
            time.sleep(RETRY_PAUSE_S * 2 ** (attempt - 1))
        del text[kept:]
        try:
            for frame in packages.ExportPackage(request, timeout=STREAM_DEADLINE_S):
                text += frame.data
                if frame.resume_token:
                    request.resume_token = frame.resume_token
                    kept = len(text)
                if frame.HasField("manifest"):
                    ids = text.decode().splitlines()
                    assert len(ids) == frame.manifest.counts.rows
                    return ids
        except grpc.RpcError as error:
            if error.code() not in RETRIED or attempt == EXPORT_ATTEMPTS - 1:
                raise
    sys.exit(f"error: the export of {arm} never came to its end")


def check_members(channel, prefix, arms, ids):
    """Asks in all three ways whether users are in the crowd and in the arms."""
    memberships = membership_pb2_grpc.MembershipServiceStub(channel)
    states = membership_pb2.MemberState
    names = [prefix, *arms]
    answer = memberships.Check(
        membership_pb2.CheckRequest(
            user={"id": ids[0]}, crowds=[{"crowd": name} for name in names]
        ),
        timeout=DEADLINE_S,
    )
    print("one user:", ", ".join(states.Name(s)[len("MEMBER_STATE_"):] for s in answer.states))

    members = []
    for arm in arms:
        batch = memberships.BatchCheck(
            membership_pb2.BatchCheckRequest(crowd={"crowd": arm}, ids=ids[:9_999] + ["nobody"]),
            timeout=DEADLINE_S,
        )
        members.append(f"{batch.members} in {arm.rsplit('.')[-1]}")
        assert batch.states[-1] == states.Value("MEMBER_STATE_UNKNOWN_USER")
    print("checked:", ", ".join(members))

    def views():  # of pages, as they come
        yield membership_pb2.StreamChecksRequest(
            setup={"crowds": [{"crowd": name} for name in names]}
        )
        for number, user in enumerate(ids[:100]):
            yield membership_pb2.StreamChecksRequest(checks=[{"sequence": number, "id": user}])

    answers = 0
    # Answers come in the order of the questions.
    for message in memberships.StreamChecks(views(), timeout=STREAM_DEADLINE_S):
        for one in message.answers:
            assert one.sequence == answers
            assert one.states[0] == states.Value("MEMBER_STATE_MEMBER")
            answers += 1
    print(f"streamed: {answers} answers")


def upload_converted(channel, name, ids):
    """Uploads the ids of those who bought as a crowd; returns how many of them are users."""
    def frames():
        yield upload_pb2.UploadIdsRequest(
            header=upload_pb2.UploadHeader(
                crowd=crowd_name(name),
                mode=upload_pb2.UPLOAD_MODE_REPLACE,
                create=crowd_pb2.Crowd(folder="clients"),
                request_id=f"upload {name}",
            )
        )
        for first in range(0, len(ids), 10_000):
            texts = [user.encode() for user in ids[first : first + 10_000]]
            ends = []
            for text in texts:
                ends.append((ends[-1] if ends else 0) + len(text))
            column = user_pb2.TextColumn(data=b"".join(texts), ends=ends)
            yield upload_pb2.UploadIdsRequest(ids=user_pb2.IdColumn(texts=column))
        yield upload_pb2.UploadIdsRequest(end=upload_pb2.UploadEnd(id_count=len(ids)))

    upload = upload_pb2_grpc.UploadServiceStub(channel).UploadIds(frames(), timeout=DEADLINE_S)
    assert upload.received == len(ids)
    return upload.matched


def compare_arms(channel, arms, converted):
    """How many of each arm have converted, and whether the arms are alike in other things."""
    selections = selection_pb2_grpc.SelectionServiceStub(channel)
    read_version = 0  # of the first answer: all figures are of one data version

    def count(expression):
        nonlocal read_version
        answer = selections.Count(
            selection_pb2.CountRequest(
                selection={"expression": expression, "read_version": read_version}
            ),
            timeout=DEADLINE_S,
        )
        read_version = answer.info.data_version
        return answer.count

    for arm in arms:
        users = count(f"crowd('{arm}')")
        require_users(arm, users)
        bought = count(f"crowd('{arm}') and crowd('{converted}')")
        share = 100 * bought / users
        print(f"arm {arm.rsplit('.')[-1]}: {bought} of {users} converted, {share:.1f} %")
    compared = insight_pb2_grpc.InsightServiceStub(channel).Compare(
        compare_pb2.CompareRequest(
            selection={"crowd": {"crowd": arms[0]}, "read_version": read_version},
            baseline={"crowd": {"crowd": arms[1]}},
            tags=["city", "views_7d"],
        ),
        timeout=DEADLINE_S,
    )
    print(f"arms: {compared.count} and {compared.baseline_count}, {compared.common_count} in both")


def explain_failure(error):
    """What the server says of a refused call: the reason, the field and the nearest name."""
    text = f"{error.code().name}: {error.details()}"
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        detail = error_pb2.ErrorDetail()
        for packed in error_pb2.Status.FromString(value).details:
            if packed.Unpack(detail):
                text += f" ({detail.reason} at {detail.field or 'no field'})"
    return text


def run(channel, prefix):
    create_crowd(channel, prefix)
    arms = split_crowd(channel, prefix)
    exported = [export_arm(channel, arm) for arm in arms]
    for arm, ids in zip(arms, exported):
        require_users(arm, len(ids))
    print(f"exported: {len(exported[0])} ids of A")
    check_members(channel, prefix, arms, exported[0])
    # Every third user of A has bought, and every fifth of B: what the shop would tell.
    bought = exported[0][::3] + exported[1][::5]
    matched = upload_converted(channel, f"{prefix}_converted", bought)
    print(f"uploaded: {matched} of {len(bought)} ids are users")
    compare_arms(channel, arms, f"{prefix}_converted")


def main():
    parser = argparse.ArgumentParser(description="The flow of a CMS against a Throng server.")
    parser.add_argument("--server", default="127.0.0.1:7400")
    parser.add_argument("--prefix", default="cms_flow", help="of the crowds' names")
    arguments = parser.parse_args()
    with grpc.insecure_channel(arguments.server, options=CHANNEL_OPTIONS) as channel:
        try:
            run(channel, arguments.prefix)
        except grpc.RpcError as error:
            sys.exit(f"error: {explain_failure(error)}")
    print("done")


if __name__ == "__main__":
    main()
