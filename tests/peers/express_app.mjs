// An Express app with server-side sessions, for the tests: signs users in and out, and says whose session it is.
import express from "express";
import session from "express-session";

const app = express();
app.use(session({ name: "session", secret: "only for tests", resave: false, saveUninitialized: false }));

app.post("/sign-in/:user", (request, response) => {
  request.session.user = { id: request.params.user };
  response.sendStatus(204);
});
app.post("/sign-out", (request, response) => request.session.destroy(() => response.sendStatus(204)));

// As docs/authentication.md has it.
app.get("/session/whoami", (request, response) => {
  const { user } = request.session;
  if (!user) return response.sendStatus(401);
  response.set("Cache-Control", "no-store").json({ sub: user.id });
});

const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
