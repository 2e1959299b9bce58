"""The real Scaleway Python SDK, unmodified: applications, processes of both that are shipped, and bookings."""
import json
import math
from datetime import datetime, timedelta, timezone

import numpy
import pytest
from qiskit.quantum_info import SparsePauliOp
from scaleway import Client, ScalewayException
from scaleway.qaas.v1alpha1 import CreateSessionRequestBookingDemand, JobCircuit, QaasV1Alpha1API

from support.meridian import Meridian, until
from support.quantum import payload


@pytest.fixture(scope="module")
def meridian(tmp_path_factory):
    """One of this module's own, whose operator has declared what the node draws."""
    running = Meridian(tmp_path_factory.mktemp("processes") / "data")
    running.cli("declare", "--place", "Paris, FR", "--jurisdiction", "FR", "--operator", "Tests", "--watts", "120")
    with running:
        yield running


@pytest.fixture(scope="module")
def api(meridian):
    return QaasV1Alpha1API(Client(access_key=meridian.facts["access_key"], secret_key=meridian.secret, api_url=meridian.url,
                                  default_organization_id=meridian.facts["organization_id"], default_project_id=meridian.facts["project_id"],
                                  default_region=meridian.facts["region"], default_zone=meridian.facts["zone"]))


def platform(api, name):
    return next(p for p in api.list_platforms_all() if p.name.startswith(f"EMU-{name}-"))


def application(api, name):
    [found] = api.list_applications_all(name=name)
    return found


def test_a_ground_state_is_found_by_a_process(api, meridian):
    offered = application(api, "vqe")
    assert offered.type_ == "vqe" and json.loads(offered.input_template)["hamiltonian"]
    assert platform(api, "AER").id in offered.compatible_platform_ids
    assert api.get_application(application_id=offered.id) == offered
    hamiltonian = SparsePauliOp(["ZZI", "IZZ", "XII", "IXI", "IIX"], [1, 1, -.7, -.7, -.7])
    wish = {"hamiltonian": [[label, value.real] for label, value in hamiltonian.to_list()], "layers": 3, "seed": 5}
    made = api.create_process(name="ising", platform_id=platform(api, "AER").id, application_id=offered.id, input=json.dumps(wish), tags=["ising"])
    assert made.status in ("starting", "running", "completed") and made.input == json.dumps(wish)
    done = api.wait_for_process(process_id=made.id)
    assert done.status == "completed", done.progress_message
    assert done.progress == 1 and done.started_at and done.finished_at >= done.started_at
    [result] = api.list_process_results_all(process_id=made.id)
    answer = json.loads(result.result)
    exact = numpy.linalg.eigvalsh(hamiltonian.to_matrix())[0]
    assert exact - 1e-9 < answer["energy"] < exact + 1e-4 and result.process_id == made.id
    [attached] = done.attached_session_ids
    session = api.get_session(session_id=attached)
    assert session.origin_type == "process" and session.origin_id == made.id
    until(lambda: api.get_session(session_id=attached).status == "stopped", "the session ends with its job")
    # The circuit that makes the state has that energy, by another application.
    check = {"program": answer["program"], "points": [{}], "observable": wish["hamiltonian"]}
    checked = api.wait_for_process(process_id=api.create_process(name="check", platform_id=platform(api, "AER").id,
                                                                 application_id=application(api, "sweep").id, input=json.dumps(check)).id)
    [point] = json.loads(api.list_process_results_all(process_id=checked.id)[0].result)["points"]
    assert abs(point["expectation"] - answer["energy"]) < 1e-9


def test_a_process_is_receipted_with_declared_joules(api, meridian):
    made = api.create_process(name="joules", platform_id=platform(api, "AER").id, application_id=application(api, "vqe").id,
                              input='{"hamiltonian":[["ZZZZZZ",1],["XIIIII",0.5]],"layers":4,"iterations":50}')
    assert api.wait_for_process(process_id=made.id).status == "completed"
    receipt = meridian.get("/meridian/v1/receipts/" + meridian.get(f"/qaas/v1alpha1/processes/{made.id}")["receipt_id"])["receipt"]
    assert receipt["kind"] == "quantum_job" and receipt["outcome"] == "finished"
    if receipt["energy_basis"] == "declared_watts":  # a counter that can be read is preferred
        # By the time that it took, which may be more than the quote allows to be charged.
        assert 0 <= receipt["energy"] <= 120 * (receipt["duration_ms"] + 1)
    else:
        assert receipt["energy_basis"] == "counter" and receipt["energy"] >= 0


def test_a_sweep_computes_many_points(api):
    wish = {"program": 'OPENQASM 3.0; include "stdgates.inc"; input float[64] t; qubit[2] q; bit[2] c; ry(t) q[0]; cx q[0], q[1]; c = measure q;',
            "points": [{"t": 0.1 * k} for k in range(40)]}
    for more in {"shots": 500, "seed": 3}, {"observable": [["ZI", 1.0]]}:
        made = api.create_process(name="sweep", platform_id=platform(api, "QSIM").id, application_id=application(api, "sweep").id,
                                  input=json.dumps(wish | more))
        done = api.wait_for_process(process_id=made.id)
        assert done.status == "completed", done.progress_message
        points = json.loads(api.list_process_results_all(process_id=made.id)[0].result)["points"]
        for k, point in enumerate(points):
            assert point["inputs"] == {"t": 0.1 * k}
            if "shots" in more:
                assert set(point["counts"]) <= {"00", "11"} and sum(point["counts"].values()) == 500
            else:
                assert abs(point["expectation"] - math.cos(0.1 * k)) < 1e-5


def test_processes_are_listed_changed_cancelled_and_deleted(api):
    offered = application(api, "vqe")
    long = json.dumps({"hamiltonian": [["Z" * 16, 1.0], ["X" * 16, 0.5]], "layers": 20, "iterations": 5000, "tolerance": 1e-14})
    made = api.create_process(name="long", platform_id=platform(api, "AER").id, application_id=offered.id, input=long, tags=["long"])
    assert [p.id for p in api.list_processes_all(application_id=offered.id, tags=["long"])] == [made.id]
    assert api.update_process(process_id=made.id, name="renamed", tags=["other"]).name == "renamed"
    assert api.list_process_results_all(process_id=made.id) == []
    assert api.cancel_process(process_id=made.id).status in ("cancelling", "cancelled")
    assert api.wait_for_process(process_id=made.id).status == "cancelled"
    api.delete_process(process_id=made.id)
    with pytest.raises(ScalewayException) as gone:
        api.get_process(process_id=made.id)
    assert gone.value.status_code == 404
    wrong = api.create_process(name="wrong", platform_id=platform(api, "AER").id, application_id=offered.id, input='{"hamiltonian":[["Q",1]]}')
    ended = api.wait_for_process(process_id=wrong.id)
    assert ended.status == "error" and "strings of I, X, Y and Z" in ended.progress_message
    with pytest.raises(ScalewayException) as refused:
        api.create_process(name="none", platform_id=platform(api, "AER").id, application_id="11111111-1111-4111-8111-111111111111", input="{}")
    assert refused.value.status_code == 404


def demand(start, minutes, **more):
    return CreateSessionRequestBookingDemand(started_at=start, finished_at=start + timedelta(minutes=minutes), time_zone="UTC", **more)


def euros(money):
    return money["units"] + money["nanos"] / 1e9


def test_bookings_are_made_kept_apart_and_cancelled(api, meridian):
    bookable = platform(api, "BOOKED")
    assert bookable.is_bookable and bookable.booking_requirement.max_duration == "7200s"
    assert not platform(api, "AER").is_bookable
    start = datetime.now(timezone.utc) + timedelta(hours=2)
    session = api.create_session(platform_id=bookable.id, name="tonight", booking_demand=demand(start, 30, description="calibration"))
    assert session.status == "starting" and session.booking_id
    booking = api.get_booking(booking_id=session.booking_id)
    assert booking.status == "validated" and booking.description == "calibration" and abs(booking.started_at - start) < timedelta(seconds=1)
    assert " EUR for its time at " in booking.progress_message and "nothing if it is cancelled" in booking.progress_message
    quoted = meridian.get(f"/qaas/v1alpha1/bookings/{booking.id}")
    assert euros(quoted["cost_max"]) == pytest.approx(euros(quoted["price_per_hour"]) / 2, abs=1e-6) and quoted["cost"] is None
    assert api.update_booking(booking_id=booking.id, description="other").description == "other"
    assert [b.id for b in api.list_bookings_all(platform_id=bookable.id)] == [booking.id]
    for wish, code in [(demand(start + timedelta(minutes=10), 5), 409), (demand(start - timedelta(days=1), 5), 400),
                       (demand(start + timedelta(hours=1), 500), 400), (demand(start + timedelta(days=200), 5), 400)]:
        with pytest.raises(ScalewayException) as refused:
            api.create_session(platform_id=bookable.id, booking_demand=wish)
        assert refused.value.status_code == code
    with pytest.raises(ScalewayException) as refused:
        api.create_session(platform_id=platform(api, "AER").id, booking_demand=demand(start, 5))
    assert refused.value.status_code == 400
    job = api.create_job(name="early", session_id=session.id, circuit=JobCircuit(), parameters='{"shots":10,"options":null}',
                         model_id=api.create_model(payload=payload("OPENQASM 3.0; qubit q; bit c; c = measure q;")).id)
    assert api.get_job(job_id=job.id).status == "waiting", "it waits for its time"
    api.terminate_session(session_id=session.id)
    assert api.get_booking(booking_id=booking.id).status == "cancelled"
    assert api.wait_for_job(job_id=job.id).status == "cancelled"
    again = api.create_session(platform_id=bookable.id, booking_demand=demand(start, 30))
    assert again.status == "starting", "the time is free again"
    api.delete_session(session_id=again.id)


def test_a_booking_begins_in_its_time_and_is_charged_instead_of_its_jobs(api, meridian):
    bookable = platform(api, "BOOKED")
    start = datetime.now(timezone.utc) + timedelta(seconds=2)
    session = api.create_session(platform_id=bookable.id, booking_demand=demand(start, 1))
    job = api.create_job(name="early", session_id=session.id, circuit=JobCircuit(), parameters='{"shots":10,"options":null}',
                         model_id=api.create_model(payload=payload("OPENQASM 3.0; qubit q; bit c; c = measure q;")).id)
    done = api.wait_for_job(job_id=job.id)
    assert done.status == "completed" and done.started_at >= start, done.progress_message
    assert api.get_session(session_id=session.id).status == "running"
    api.terminate_session(session_id=session.id)
    until(lambda: meridian.get(f"/qaas/v1alpha1/bookings/{session.booking_id}")["cost"] is not None, "the booking is charged")
    receipts = {r["id"]: r for r in meridian.get("/meridian/v1/receipts?page_size=100")["receipts"]}
    assert float(receipts[job.id]["cost"]) == 0
    charged = receipts[session.booking_id]
    assert charged["kind"] == "quantum_booking" and charged["outcome"] == "finished"
    assert float(charged["cost"]) == pytest.approx(float(charged["price"]["per_hour"]) * charged["usage"]["milliseconds"] / 3.6e6, abs=1e-9)
    assert {r["kind"] for r in receipts.values() if r["id"] != session.booking_id} == {"quantum_job"}, "what was cancelled in time has none"
    api.delete_session(session_id=session.id)
