from django.test import Client

from tests.webapp.people import People


def test_login_and_out(visitor: Client, people: People) -> None:
    assert "Log in" in visitor.get("/login").content.decode()
    response = visitor.post("/login", {"username": "alice", "password": "alice-secret-1", "next": "/runs"})
    assert response.status_code == 302
    assert response["Location"] == "/runs"
    assert visitor.get("/runs").status_code == 200
    assert visitor.post("/logout").status_code == 302
    assert visitor.get("/runs").status_code == 302


def test_wrong_password_is_said_plainly(visitor: Client, people: People) -> None:
    response = visitor.post("/login", {"username": "alice", "password": "wrong"})
    assert "do not belong together" in response.content.decode()
    assert visitor.get("/runs").status_code == 302


def test_never_redirects_to_elsewhere(visitor: Client, people: People) -> None:
    response = visitor.post("/login", {"username": "alice", "password": "alice-secret-1", "next": "https://evil.example/"})
    assert response["Location"] == "/"


def test_a_form_without_its_token_is_refused_in_words(people: People) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login", {"username": "alice", "password": "alice-secret-1"})
    assert response.status_code == 403
    assert "no longer valid" in response.content.decode()
