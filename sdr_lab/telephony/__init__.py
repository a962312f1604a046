"""The telephone: lines over media streams, Twilio's REST API, TwiML and signatures."""
