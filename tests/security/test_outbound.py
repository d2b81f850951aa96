"""Where agents may not live, however the address is spelt."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from security.errors import AddressRefused
from security.outbound import AddressPolicy

PUBLIC = AddressPolicy()
LISTED = AddressPolicy(allowed_hosts=("127.0.0.1", "10.0.0.0/8", "agents.internal", "fd00::/8", "[fe00::1]"))

PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",  # metadata, Alibaba
    "169.254.0.1",
    "169.254.169.254",  # metadata, most clouds
    "168.63.129.16",  # metadata, Azure
    "192.0.0.192",  # metadata, Oracle
    "192.0.2.1",
    "198.18.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:a9fe:a9fe",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a00:1::1",  # 6to4 of 10.0.0.1
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2001:0:7f00:1::1",  # Teredo
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata, AWS over IPv6
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "192.88.99.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_at_registration_and_at_connection(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused):
        PUBLIC.check_url(f"https://{host}/agent")
    with pytest.raises(AddressRefused):
        PUBLIC.permitted("agents.example", [address])


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_permitted(address: str) -> None:
    assert PUBLIC.permitted("agents.example", [address]) == [address]


@pytest.mark.parametrize(
    "url",
    [
        "https://agents.example",
        "https://agents.example:8443/a/b?c=d",
        "http://sub-domain.agents.example./",
        "https://bücher.example/agent",
        "https://8.8.8.8/agent",
        "https://[2606:4700::1111]:443/agent",
        "https://my_agent.example/x",
        "https://agents.123tools.example/x",
    ],
)
def test_a_public_url_may_be_registered(url: str) -> None:
    PUBLIC.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "agents.example",
        "//agents.example",
        "ftp://agents.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@agents.example",
        "https://user:password@agents.example",
        "https://@agents.example",
        "https://agents.example:0",
        "https://agents.example:99999",
        "https://agents.example:port",
        "https://[::1",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://①②⑦.⓪.⓪.①/",
        "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/",
        "https://[fe80::1%25eth0]/",
        "https://agents.example\\@127.0.0.1/",
        "https://agents .example/",
        "https://agents.example/\r\nX: y",
        "https://agents.example\0/",
        "https://-agents.example/",
        "https://agents..example/",
        "https://" + "a" * 64 + ".example/",
        "http://localhost/",
        "http://LOCALHOST:8000/",
        "http://agent.localhost./",
    ],
)
def test_an_address_that_hides_or_misleads_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        PUBLIC.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://METADATA.google.internal./",
        "http://metadata/",
        "http://instance-data.ec2.internal/latest",
    ],
)
def test_metadata_services_are_refused_by_name_too(url: str) -> None:
    for policy in (PUBLIC, LISTED):
        with pytest.raises(AddressRefused):
            policy.check_url(url)
    AddressPolicy(allowed_hosts=("metadata.google.internal", "metadata", "instance-data.ec2.internal")).check_url(url)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "fe80::1", "::ffff:169.254.169.254"])
def test_a_listed_name_does_not_open_the_way_to_a_metadata_service(address: str) -> None:
    by_name = AddressPolicy(allowed_hosts=("agents.internal",))
    with pytest.raises(AddressRefused):
        by_name.permitted("agents.internal", [address])
    assert by_name.permitted("agents.internal", ["10.0.0.1"]) == ["10.0.0.1"]


@pytest.mark.parametrize("port", [1, 21, 22, 25, 110, 445, 587, 1023, 2049, 6000, 6667])
def test_ports_of_other_services_are_refused_where_the_host_is_not_listed(port: int) -> None:
    for url in (f"https://agents.example:{port}/", f"https://8.8.8.8:{port}/"):
        with pytest.raises(AddressRefused):
            LISTED.check_url(url)
    LISTED.check_url(f"http://127.0.0.1:{port}/")
    LISTED.check_url(f"http://agents.internal:{port}/")


@pytest.mark.parametrize("port", [80, 443, 1024, 8000, 8443, 65535])
def test_a_port_of_the_web_may_be_used(port: int) -> None:
    PUBLIC.check_url(f"https://agents.example:{port}/")


def test_a_refusal_tells_the_client_why_without_telling_what_it_resolved_to() -> None:
    with pytest.raises(AddressRefused) as caught:
        PUBLIC.permitted("agents.example", ["10.1.2.3"])

    assert "10.1.2.3" in caught.value.internal_message
    assert "10.1.2.3" not in caught.value.user_message


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("anything.example", "10.200.0.1"),
        ("agents.internal", "192.168.0.5"),
        ("AGENTS.internal.", "172.16.0.5"),
        ("mapped.example", "::ffff:10.0.0.1"),
        ("six.example", "fd00::5"),
        ("six.example", "fe00::1"),
    ],
)
def test_listed_hosts_and_networks_are_permitted(host: str, address: str) -> None:
    assert LISTED.permitted(host, [address]) == [address]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.2", "127.0.0.2"),
        ("evil.example", "192.168.0.5"),
        ("x.agents.internal", "192.168.0.5"),
        ("agents.internal", "0.0.0.0"),
        ("agents.internal", "224.0.0.1"),
        ("six.example", "2002:a00:1::1"),
    ],
)
def test_what_is_not_listed_stays_refused(host: str, address: str) -> None:
    with pytest.raises(AddressRefused):
        LISTED.permitted(host, [address])


def test_only_the_permitted_ones_of_several_addresses_are_kept() -> None:
    assert PUBLIC.permitted("mixed.example", ["10.0.0.1", "8.8.8.8", "::1"]) == ["8.8.8.8"]


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(AddressRefused):
        PUBLIC.permitted("empty.example", [])


def test_listed_loopback_may_be_registered() -> None:
    for url in ("http://127.0.0.1:9000/a", "http://localhost:9000/a", "http://10.1.1.1/a"):
        LISTED.check_url(url)


@given(st.ip_addresses())
def test_the_policy_never_permits_what_python_calls_private(address: object) -> None:
    private = getattr(address, "is_private") or getattr(address, "is_loopback") or getattr(address, "is_link_local")  # noqa: B009
    mapped = getattr(address, "ipv4_mapped", None)
    if private and mapped is None:
        with pytest.raises(AddressRefused):
            PUBLIC.permitted("agents.example", [str(address)])


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_no_spelling_of_a_number_as_host_is_registered(number: int) -> None:
    for spelling in (str(number), hex(number), f"0{number:o}", f"{number >> 24}.{number & 0xFFFFFF}"):
        with pytest.raises(AddressRefused):
            PUBLIC.check_url(f"https://{spelling}/")


@given(st.text(max_size=40))
def test_no_text_at_all_breaks_the_check(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}.example/"):
        with contextlib.suppress(AddressRefused):
            PUBLIC.check_url(url)
            assert url.lower().startswith(("http:", "https:"))
