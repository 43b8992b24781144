"""`pointsman epp` on the wire, the test playing Envoy: the messages themselves, as the specification lists them."""

import json

import grpc
import pytest

from harness.ext_proc import metadata, set_headers

BODY = b'{"max_tokens":100,"model":"m","prompt":"test1","temperature":0}'
SUBSET = "x-gateway-destination-endpoint-subset"
DESTINATION = "x-gateway-destination-endpoint"


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
        hint = metadata("envoy.lb.subset_hint", {SUBSET: allowed})
        stream.request_headers(context=hint)
        stream.request_body(BODY, context=hint)
        head, _, _ = stream.routed()
        # The reference compares addresses without ports; on one host that leaves all of them.
        assert set_headers(head.request_headers.response)[DESTINATION].startswith("127.0.0.1:")


def test_a_subset_of_strangers_is_503(picker, transaction):
    stream = transaction(picker.port)
    hint = metadata("envoy.lb.subset_hint", {SUBSET: ["192.168.1.99:8000"]})
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
