"""`pointsman epp` on the wire, the test playing Envoy: the messages themselves, as the specification lists them."""

import json

import grpc
import pytest

from harness.ext_proc import DESTINATION, SUBSET, SUBSET_SPACE, metadata, set_headers
from harness.wait import until

BODY = b'{"max_tokens":100,"model":"m","prompt":"test1","temperature":0}'


@pytest.fixture
def picker(model_servers, epp):
    servers = model_servers(2)
    running = epp(servers)
    running.servers = servers
    return running


def test_a_request_is_answered_with_destination_length_and_body(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers({"x-request-id": "test-request-id"})
    stream.request_body(BODY)
    head, body, _ = stream.routed()
    common = head.request_headers.response
    headers = set_headers(common)
    assert common.clear_route_cache
    assert headers[DESTINATION] in [server.address for server in picker.servers]
    assert headers["content-length"] == str(len(BODY))
    assert dict(head.dynamic_metadata["envoy.lb"]) == {DESTINATION: headers[DESTINATION]}
    assert body == BODY


@pytest.mark.parametrize("size, chunks", [(61000, [61000]), (62000, [62000]), (62001, [62000, 1]),
                                          (125000, [62000, 62000, 1000])])
def test_bodies_go_out_in_chunks_of_62000_bytes(picker, transaction, size, chunks):
    empty = json.dumps({"model": "m", "prompt": ""}).encode()
    sent = json.dumps({"model": "m", "prompt": "x" * (size - len(empty))}).encode()
    stream = transaction(picker.port)
    stream.request_headers()
    for at in range(0, size, 20_000):
        stream.request_body(sent[at:at + 20_000], end=at + 20_000 >= size)
    _, body, sizes = stream.routed()
    assert sizes == chunks
    assert body == sent


def test_the_rewrite_header_changes_only_the_model(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers({"x-llm-d-model-name-rewrite": "m-lora"})
    stream.request_body(BODY)
    head, body, _ = stream.routed()
    assert body == BODY.replace(b'"m"', b'"m-lora"')
    assert set_headers(head.request_headers.response)["content-length"] == str(len(body))


@pytest.mark.parametrize("wanted", [[0], [1], [0, 1]])
def test_the_subset_hint_limits_the_choice(picker, transaction, wanted):
    allowed = [picker.servers[i].address for i in wanted]
    for _ in range(6):
        stream = transaction(picker.port)
        hint = metadata(SUBSET_SPACE, {SUBSET: allowed})
        stream.request_headers(context=hint)
        stream.request_body(BODY, context=hint)
        head, _, _ = stream.routed()
        # The reference compares addresses without ports; on one host that leaves all of them.
        assert set_headers(head.request_headers.response)[DESTINATION].startswith("127.0.0.1:")


def test_a_subset_of_strangers_is_503(picker, transaction):
    stream = transaction(picker.port)
    hint = metadata(SUBSET_SPACE, {SUBSET: ["192.168.1.99:8000"]})
    stream.request_headers(context=hint)
    stream.request_body(BODY, context=hint)
    answer = stream.rejected()
    assert answer.status.code == 503
    assert answer.body == (b"inference error: ServiceUnavailable - "
                           b"failed to find endpoint candidates for serving the request")
    assert [(o.header.key, o.header.raw_value) for o in answer.headers.set_headers] == [
        ("x-llm-d-request-dropped-reason", b"rejected-no-endpoints")]


def test_bad_json_is_refused_and_the_stream_ends_well(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_body(b"no healthy upstream")
    answer = stream.rejected()
    assert answer.status.code == 400
    assert answer.body.startswith(b"inference error: BadRequest - error unmarshaling request bodyMap: ")


def test_headers_alone_get_a_destination_and_no_body(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers({":method": "GET", ":path": "/v1/models"}, end=True)
    common = stream.receive().request_headers.response
    headers = set_headers(common)
    assert headers[DESTINATION] in [server.address for server in picker.servers]
    assert "content-length" not in headers


def test_a_whole_answer_comes_back_in_order(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_body(BODY)
    stream.routed()
    stream.response_headers({":status": "200", "content-type": "application/json"})
    first = stream.receive()
    assert set_headers(first.response_headers.response)["x-went-into-resp-headers"] == "true"
    answer = json.dumps({"model": "m", "usage": {"prompt_tokens": 7, "completion_tokens": 10, "total_tokens": 17}})
    stream.response_body(answer[:20].encode(), end=False)
    stream.response_body(answer[20:].encode(), end=True)
    body, end = b"", False
    while not end:
        chunk = stream.receive().response_body.response.body_mutation.streamed_response
        body, end = body + chunk.body, chunk.end_of_stream
    assert body.decode() == answer
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK
    assert picker.admin.metric("llm_d_epp_request_input_tokens_sum") == 7


def test_a_streamed_answer_comes_back_chunk_by_chunk(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_body(json.dumps({"model": "m", "prompt": "p", "stream": True}).encode())
    stream.routed()
    stream.response_headers({":status": "200", "content-type": "text/event-stream"})
    stream.receive()
    chunks = [b'data: {"a":1}\n\n', b'data: {"usage":{"prompt_tokens":7,"total_tokens":17,"completion_tokens":10}}\n\n',
              b"data: [DONE]\n\n", b""]
    for at, chunk in enumerate(chunks):
        stream.response_body(chunk, end=at == 3)
        back = stream.receive().response_body.response.body_mutation.streamed_response
        assert (back.body, back.end_of_stream) == (chunk, at == 3)


def test_the_model_name_of_the_client_is_restored_in_the_answer(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers({"x-llm-d-model-name-rewrite": "m-lora"})
    stream.request_body(BODY)
    stream.routed()
    stream.response_headers({":status": "200", "content-type": "application/json"})
    stream.receive()
    stream.response_body(b'{"id":"c","model":"m-lora","choices":[]}', end=True)
    back = stream.receive().response_body.response.body_mutation.streamed_response
    assert back.body == b'{"id":"c","model":"m","choices":[]}'


def test_trailers_of_the_answer_are_acknowledged(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_body(b'{"model":"m","prompt":"p","stream":true}')
    stream.routed()
    stream.response_headers({":status": "200", "content-type": "text/event-stream"})
    stream.receive()
    stream.response_body(b"data: [DONE]\n\n", end=False)
    stream.receive()
    stream.send(response_trailers={"trailers": {}})
    assert stream.receive().WhichOneof("response") == "response_trailers"


def test_a_cancelled_stream_does_not_disturb_the_next(picker, transaction):
    first = transaction(picker.port)
    first.request_headers()
    first.request_body(BODY[:20], end=False)
    first.cancel()
    second = transaction(picker.port)
    second.request_headers()
    second.request_body(BODY)
    assert second.routed()[1] == BODY


def test_an_unknown_method_is_unimplemented(picker):
    with grpc.insecure_channel(f"127.0.0.1:{picker.port}") as channel:
        call = channel.unary_unary("/envoy.service.ext_proc.v3.ExternalProcessor/Other")
        with pytest.raises(grpc.RpcError) as error:
            call(b"", timeout=5)
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


# Bodies of any size and shape


@pytest.mark.parametrize("piece", [1, 65_536], ids=["one-byte chunks", "64 KiB chunks"])
def test_bodies_pass_however_they_are_cut(picker, transaction, piece):
    size = 200 if piece == 1 else 16 << 20
    sent = b'{"model":"m","stream":true,"prompt":"' + b"x" * size + b'"}'
    stream = transaction(picker.port)
    stream.request_headers()
    for at in range(0, len(sent), piece):
        stream.request_body(sent[at:at + piece], end=at + piece >= len(sent))
    _, body, sizes = stream.routed()
    assert body == sent
    assert max(sizes) <= 62_000
    stream.response_headers({":status": "200", "content-type": "text/event-stream"})
    answer = (b'data: {"usage":null,"text":"' + b"y" * size + b'"}\n\n'
              b'data: {"usage":{"prompt_tokens":7,"completion_tokens":10,"total_tokens":17}}\n\ndata: [DONE]\n\n')
    for at in range(0, len(answer), piece):
        stream.response_body(answer[at:at + piece], end=at + piece >= len(answer))
    _, pieces = stream.answered()
    assert b"".join(pieces) == answer
    assert picker.admin.metric("llm_d_epp_request_output_tokens_sum") == 10


def test_a_rewrite_changes_only_the_bytes_of_the_name(picker, transaction):
    sent = (b'{ "seed":12345678901234567890, "a":1.0,"b":1E5,"c":-0,"prompt" : "caf\\u00e9 \\/ <&>",'
            b'"n":1,"n":2,\t"model"\n:\r"m" , "z":[ ] }\n')
    stream = transaction(picker.port)
    stream.request_headers({"x-gateway-model-name-rewrite": "org/<other>"})
    stream.request_body(sent)
    head, body, _ = stream.routed()
    assert body == sent.replace(b'"m"', b'"org/\\u003cother\\u003e"')
    assert json.loads(body)["model"] == "org/<other>"
    assert set_headers(head.request_headers.response)["content-length"] == str(len(body))


# The order of messages


def test_the_newer_name_of_a_control_header_shadows_the_older_one(picker, transaction):
    for headers, model in [({"x-llm-d-model-name-rewrite": "new", "x-gateway-model-name-rewrite": "old"}, b"new"),
                           ({"x-gateway-model-name-rewrite": "old"}, b"old"),
                           ({"x-llm-d-model-name-rewrite": "", "x-gateway-model-name-rewrite": "old"}, b"m")]:
        stream = transaction(picker.port)
        stream.request_headers(headers)
        stream.request_body(BODY)
        assert stream.routed()[1] == BODY.replace(b'"m"', b'"%s"' % model)


def test_a_second_headers_message_and_a_second_end_are_not_heard(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_headers({":path": "/v9/other"}, end=True)
    stream.request_body(BODY)
    stream.request_body(BODY)
    stream.request_trailers()
    assert stream.routed()[1] == BODY
    stream.response_headers({":status": "200", "content-type": "application/json"})
    stream.response_headers({":status": "500"})
    stream.response_body(b"{}", end=True)
    stream.response_body(b"{}", end=True)
    _, pieces = stream.answered()
    assert pieces == [b"{}"]
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK
    assert picker.admin.metric("llm_d_epp_request_total") == 1
    assert picker.admin.metric("llm_d_epp_request_error_total") == 0


def test_an_answer_before_the_request_is_whole(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_body(BODY[:20], end=False)
    stream.response_headers({":status": "413", "content-type": "text/plain"})
    stream.response_body(b"too large", end=True)
    _, pieces = stream.answered()
    assert pieces == [b"too large"]
    stream.request_body(BODY[20:])
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK
    assert picker.admin.metric("llm_d_epp_request_total") == 0


def test_an_answer_of_trailers_alone(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_body(BODY)
    stream.routed()
    stream.response_headers({":status": "200", "content-type": "application/grpc", "grpc-status": "12"}, end=True)
    assert stream.receive().WhichOneof("response") == "response_headers"
    stream.half_close()
    assert stream.ended() == grpc.StatusCode.OK
    assert picker.admin.metric("llm_d_epp_request_duration_seconds_count") == 1


def test_a_request_that_ends_with_trailers(picker, transaction):
    stream = transaction(picker.port)
    stream.request_headers()
    stream.request_body(BODY, end=False)
    stream.request_trailers()
    assert stream.receive().WhichOneof("response") == "request_headers"
    chunk = stream.receive().request_body.response.body_mutation.streamed_response
    assert (chunk.body, chunk.end_of_stream) == (BODY, False)
    assert stream.receive().WhichOneof("response") == "request_trailers"


@pytest.mark.parametrize("said", range(6))
def test_a_reset_in_any_state_leaves_nothing_behind(picker, transaction, said):
    stream = transaction(picker.port)
    steps = [lambda: stream.request_headers(),
             lambda: stream.request_body(BODY[:20], end=False),
             lambda: (stream.request_body(BODY[20:]), stream.routed()),
             lambda: (stream.response_headers({":status": "200", "content-type": "text/event-stream"}),
                      stream.receive()),
             lambda: (stream.response_body(b"data: {}\n\n", end=False), stream.receive())]
    for step in steps[:said]:
        step()
    stream.cancel()
    until(lambda: picker.admin.metric("llm_d_epp_request_running") == 0, "nothing runs")
    after = transaction(picker.port)
    after.request_headers()
    after.request_body(BODY)
    assert after.routed()[1] == BODY


# Section 17.5


@pytest.mark.parametrize("flag", [True, False])
def test_endpoint_scores_of_section_17_5(pods, epp, transaction, flag):
    running = epp(pods([(0, 0.1, "my-model-12345"), (5, 0.5, "my-model-12345")]),
                  args=["--emit-endpoint-scores"] if flag else [])
    stream = transaction(running.port)
    stream.request_headers()
    stream.request_body(BODY)
    head, _, _ = stream.routed()
    told = head.dynamic_metadata["envoy.lb"]
    if not flag:
        assert list(told) == [DESTINATION]
        return
    scores = dict(told["x-gateway-destination-endpoint-scores"])
    assert len(scores) == 2
    assert told[DESTINATION] in scores
    assert min(scores.values()) >= 0


@pytest.mark.parametrize("plugin", ["session-affinity-filter", "session-affinity-scorer"])
def test_session_affinity_of_section_17_5(pods, epp, transaction, plugin):
    running = epp(pods([(0, 0.1), (0, 0.1), (0, 0.1)]), args=["--allow-experimental-plugins"], config={
        "plugins": [{"type": plugin}, {"type": "random-picker"}, {"type": "max-score-picker"}],
        "profiles": [{"name": "default", "plugins": [
            {"pluginRef": plugin}, {"pluginRef": "random-picker" if "filter" in plugin else "max-score-picker"}]}]})

    def exchange(headers):
        stream = transaction(running.port)
        stream.request_headers(headers)
        stream.request_body(BODY)
        where = set_headers(stream.routed()[0].request_headers.response)[DESTINATION]
        stream.response_headers({":status": "200", "content-type": "application/json"})
        stream.response_body(b"{}", end=True)
        head, _ = stream.answered()
        return where, set_headers(head.response_headers.response)["x-session-token"]

    where, token = exchange({})
    for _ in range(8):
        assert exchange({"x-session-token": token}) == (where, token)
