import pytest

from ocpp_server.protocol.registry import ROLES, RegistrationError, Registry
from ocpp_server.protocol.versions import V16, V21, V201


def serve(station, request):
    """A handler of the tests."""


def other(station, request):
    """Another one."""


@pytest.fixture
def registry():
    return Registry()


def test_a_handler_is_found_by_version_and_action(registry):
    assert registry.on("TransactionEvent", V201, V21)(serve) is serve
    registry.after("TransactionEvent", V201)(other)
    registry.reply("Reset", V16)(other)

    assert registry.handler(V201, "TransactionEvent") is serve
    assert registry.handler(V21, "TransactionEvent") is serve
    assert registry.after_handlers(V201, "TransactionEvent") == (other,)
    assert registry.after_handlers(V21, "TransactionEvent") == ()
    assert registry.reply_handler(V16, "Reset") is other
    assert registry.handler(V16, "Heartbeat") is None


def test_a_second_handler_stops_the_import_and_names_both(registry):
    registry.on("Heartbeat", V16, V201)(serve)

    with pytest.raises(RegistrationError, match=r"test_registry\.other would replace .*test_registry\.serve"):
        registry.on("Heartbeat", V201)(other)


@pytest.mark.parametrize("role", ["also", "after"])
def test_reactions_run_in_the_order_of_their_imports(registry, role):
    getattr(registry, role)("Heartbeat", V16, V201)(serve)
    getattr(registry, role)("Heartbeat", V16)(other)
    found = {"also": registry.reactions, "after": registry.after_handlers}[role]

    assert found(V16, "Heartbeat") == (serve, other)
    assert found(V201, "Heartbeat") == (serve,)
    assert found(V21, "Heartbeat") == ()


def test_the_same_handler_twice_stops_the_import(registry):
    registry.on("Heartbeat", V16)(serve)

    with pytest.raises(RegistrationError, match="would replace"):
        registry.on("Heartbeat", V16)(serve)


@pytest.mark.parametrize(
    ("role", "name", "version", "reason"),
    [
        ("on", "Heartbeet", V16, "no such action"),
        ("on", "TransactionEvent", V16, "no such action"),
        ("on", "Heartbeat", "ocpp1.5", "no such version"),
        ("on", "Reset", V16, "other way"),
        ("after", "Reset", V16, "other way"),
        ("reply", "Heartbeat", V16, "other way"),
        ("failed", "Heartbeat", V16, "other way"),
        ("on", "GetConfiguration", V16, "other way"),
    ],
)
def test_a_handler_that_contradicts_the_table_stops_the_import(registry, role, name, version, reason):
    with pytest.raises(RegistrationError, match=reason):
        getattr(registry, role)(name, version)


def test_a_decorator_without_a_version_is_a_mistake(registry):
    with pytest.raises(RegistrationError, match="names no version"):
        registry.on("Heartbeat")


def test_data_transfer_is_sent_by_both_sides(registry):
    registry.on("DataTransfer", V16)(serve)
    registry.reply("DataTransfer", V16)(other)

    assert registry.handler(V16, "DataTransfer") is serve
    assert registry.reply_handler(V16, "DataTransfer") is other


def test_one_family_of_stations_requests_its_configuration_from_the_server(registry):
    registry.on("GetConfiguration", V16, inbound=True)(serve)
    registry.reply("GetConfiguration", V16)(other)

    assert registry.handler(V16, "GetConfiguration") is serve
    with pytest.raises(RegistrationError, match="inbound is for the others"):
        registry.on("Heartbeat", V16, inbound=True)


@pytest.mark.parametrize("role", ROLES)
def test_the_registered_messages_of_each_role_are_known(registry, role):
    name = "Reset" if role in ("reply", "failed") else "Heartbeat"
    getattr(registry, role)(name, V16, V21)(serve)

    assert {each: registry.registered(each) for each in ROLES} == {
        each: {(V16, name), (V21, name)} if each == role else set() for each in ROLES
    }


@pytest.mark.parametrize("role", ROLES)
def test_a_decorator_returns_the_function_itself(registry, role):
    assert (
        getattr(registry, role)("Reset" if role in ("reply", "failed") else "Heartbeat", V16)(serve) is serve
    )


@pytest.mark.parametrize("role", ["also", "after"])
def test_an_inbound_action_has_no_reactions(registry, role):
    with pytest.raises(RegistrationError, match="the other way"):
        getattr(registry, role)("GetConfiguration", V16)


def test_a_contradiction_names_the_decorator_the_action_and_the_version(registry):
    with pytest.raises(RegistrationError, match=r"^@on\('Reset'\) for ocpp2\.0\.1: the action"):
        registry.on("Reset", V201)


def test_every_version_of_a_decorator_is_checked(registry):
    with pytest.raises(RegistrationError, match=r"ocpp1\.6: this version"):
        registry.on("TransactionEvent", V201, V16)
    with pytest.raises(RegistrationError, match="would replace"):
        registry.reply("Reset", V16, V16)(serve)
