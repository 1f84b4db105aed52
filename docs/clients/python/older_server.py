"""Steps of the flow against an API without splits, packages or uploads, as crowds of rules.

    split = or_else(split_crowd, older_server.split_crowd)
"""

from throng.v1 import crowd_pb2, crowd_pb2_grpc, selection_pb2, selection_pb2_grpc

POPULATION = "populations/default"
DEADLINE_S = 30


def or_else(step, older):
    """The step, or `older` where the stubs do not have its service."""

    def run(*arguments):
        try:
            return step(*arguments)
        except ImportError:
            return older(*arguments)

    return run


def create_all(channel, rules):
    crowds = crowd_pb2_grpc.CrowdServiceStub(channel)
    for name, rule in rules.items():
        crowds.CreateCrowd(
            crowd_pb2.CreateCrowdRequest(
                parent=POPULATION,
                crowd_id=name,
                crowd=crowd_pb2.Crowd(
                    kind=crowd_pb2.CROWD_KIND_RULE, expression=rule, folder="clients"
                ),
                request_id=f"create {name}",
            ),
            timeout=DEADLINE_S,
        )
    names = [f"{POPULATION}/crowds/{name}" for name in rules]
    return crowds.BatchRefreshCrowds(
        crowd_pb2.BatchRefreshCrowdsRequest(
            parent=POPULATION, names=names, request_id=f"refresh {names[0]}"
        ),
        timeout=DEADLINE_S,
    )


def split_crowd(channel, prefix):
    arms = [f"{prefix}.A", f"{prefix}.B"]
    source = f"crowd('{prefix}')"
    create_all(
        channel,
        {
            arms[0]: f"{source} and bucket('cms_flow', 0, 500000)",
            arms[1]: f"{source} and bucket('cms_flow', 500000, 1000000)",
        },
    )
    return arms


def export_arm(channel, arm):
    selections = selection_pb2_grpc.SelectionServiceStub(channel)
    request = selection_pb2.ListMembersRequest(
        selection={"crowd": {"crowd": arm}}, page_size=10_000
    )
    ids = []
    while True:
        page = selections.ListMembers(request, timeout=DEADLINE_S)
        ids += page.ids
        request.page_token = page.next_page_token
        if not page.next_page_token:
            return ids


def upload_converted(channel, name, ids):
    quoted = ",".join(f"'{user}'" for user in ids)
    refreshed = create_all(channel, {name: f"ids({quoted})"})
    return refreshed.crowds[0].version.current_count
