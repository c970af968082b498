//! Label values of the metrics. Labels are enums, so that their cardinality is fixed at compile time: no input of a
//! client and no user id can become a label value.

/// A closed set of label values.
pub trait Label: Copy + Eq + 'static {
    /// Every value, in the order of [`Label::index`].
    const ALL: &'static [Self];
    /// The text in the exposition.
    fn text(self) -> &'static str;
    /// The position of the value in [`Label::ALL`].
    fn index(self) -> usize;
}

/// The labels of one metric: a [`Label`], or two of them as a tuple.
pub trait LabelSet: Copy + 'static {
    /// The texts of every combination, in the order of [`LabelSet::index`].
    fn all() -> Vec<Vec<&'static str>>;
    /// The position of the combination in [`LabelSet::all`].
    fn index(self) -> usize;
}

impl<L: Label> LabelSet for L {
    fn all() -> Vec<Vec<&'static str>> {
        L::ALL.iter().map(|value| vec![value.text()]).collect()
    }

    fn index(self) -> usize {
        Label::index(self)
    }
}

impl<A: Label, B: Label> LabelSet for (A, B) {
    fn all() -> Vec<Vec<&'static str>> {
        A::ALL.iter().flat_map(|first| B::ALL.iter().map(|second| vec![first.text(), second.text()])).collect()
    }

    fn index(self) -> usize {
        self.0.index() * B::ALL.len() + self.1.index()
    }
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident => $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$value_doc])* $value,)+ }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)+];
            fn text(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

label!(
    /// How a request for a token or credentials was served. The `Tokenvend-Cache` header has the same values.
    CacheStatus {
        /// From the cache.
        Hit => "hit",
        /// By a call to Cognito for this request.
        Miss => "miss",
        /// By a call that another request had started for the same cache key.
        Coalesced => "coalesced",
        /// From the cache, within the clock skew allowance, because the refresh failed.
        Stale => "stale",
    }
);

label!(
    /// The kind of vended credential, in metrics and in the log.
    CredentialKind {
        Token => "token",
        Credentials => "credentials",
    }
);

label!(
    /// An operation of Amazon Cognito identity pools, by its AWS name.
    Operation {
        GetOpenIdToken => "GetOpenIdTokenForDeveloperIdentity",
        GetCredentials => "GetCredentialsForIdentity",
        LookupDeveloperIdentity => "LookupDeveloperIdentity",
        DescribeIdentity => "DescribeIdentity",
        ListIdentities => "ListIdentities",
        MergeDeveloperIdentities => "MergeDeveloperIdentities",
        UnlinkDeveloperIdentity => "UnlinkDeveloperIdentity",
        DeleteIdentities => "DeleteIdentities",
    }
);

label!(
    /// Outcome of one call to Cognito.
    UpstreamOutcome {
        Success => "success",
        /// Cognito's quota is exceeded.
        Throttled => "throttled",
        /// Cognito failed, timed out or could not be reached.
        Unavailable => "unavailable",
        /// The configuration, IAM permissions or AWS credentials of the service are wrong.
        Misconfigured => "misconfigured",
        /// The user is registered under another identity, a login is taken, or user and identity do not match.
        Conflict => "conflict",
        /// Cognito does not accept a login, or does not know the user or identity.
        Rejected => "rejected",
        /// The response does not match the request.
        Mismatched => "mismatched",
    }
);

label!(
    /// Outcome of a background refresh.
    RefreshOutcome {
        /// The new value replaced the cached one.
        Refreshed => "refreshed",
        /// The rate limit or the circuit breaker did not permit it; a later request may start it again.
        Skipped => "skipped",
        /// The call failed; the cached value stays.
        Failed => "failed",
    }
);

label!(
    /// Outcome of the authentication of a request.
    AuthOutcome {
        Verified => "verified",
        /// The request has no credential.
        Missing => "missing",
        /// The request has more than one credential, or one that cannot be parsed.
        Malformed => "malformed",
        /// `typ` is not an accepted token type.
        TokenType => "token_type",
        /// The signing algorithm is not allowed.
        Algorithm => "algorithm",
        /// No key is known for the token's `kid`.
        UnknownKey => "unknown_key",
        /// The signature is invalid.
        Signature => "signature",
        /// `iss` is not the configured issuer.
        Issuer => "issuer",
        /// `aud` is not a configured audience.
        Audience => "audience",
        /// `exp` has passed.
        Expired => "expired",
        /// `nbf` or `iat` is in the future.
        NotYetValid => "not_yet_valid",
        /// The claim of the user id is missing or unusable.
        UserId => "user_id",
        /// The app's endpoint rejected the credential.
        Inactive => "inactive",
        /// Required scopes or claims are missing.
        InsufficientScope => "insufficient_scope",
        /// A cookie, in a request that another site may have sent.
        CrossSite => "cross_site",
        /// Gateway headers, from a peer that is not the gateway.
        UntrustedPeer => "untrusted_peer",
        /// The credential cannot be verified now.
        Unavailable => "unavailable",
    }
);

label!(
    /// Outcome of an audit event.
    AuditOutcome {
        Written => "written",
        /// The queue was full.
        Dropped => "dropped",
        /// Writing to the sink failed.
        Failed => "failed",
    }
);

label!(
    /// Decision of a pool's access policy for a verified caller.
    AuthorizationOutcome {
        Granted => "granted",
        /// No rule matches the caller; it gets a token because the policy is in audit mode.
        WouldDeny => "would_deny",
        /// No rule matches the caller.
        Denied => "denied",
        /// The claims do not yield the principal tags that the pool requires.
        InvalidTags => "invalid_tags",
        /// The caller names a user for whom it may not act.
        ActAsDenied => "act_as_denied",
    }
);

label!(
    /// Outcome of the authentication with the admin credential.
    AdminAuthOutcome {
        Verified => "verified",
        Missing => "missing",
        Wrong => "wrong",
    }
);

label!(
    /// The rate limit that a request exceeded.
    RateLimitKind {
        /// Requests from one address.
        Address => "address",
        /// Rejected credentials from one address.
        FailedAuthentications => "failed_authentications",
        /// Requests for one user.
        User => "user",
    }
);

label!(
    /// The routes of both listeners. Every other path is `other`.
    Route {
        Token => "/v1/token",
        Link => "/v1/identity/link",
        Credentials => "/v1/credentials",
        OpenApi => "/openapi.json",
        Live => "/livez",
        Ready => "/readyz",
        Metrics => "/metrics",
        AdminOpenApi => "/admin/v1/openapi.json",
        AdminUser => "/admin/v1/pools/{pool}/users/{user}",
        AdminCache => "/admin/v1/pools/{pool}/users/{user}/cache",
        AdminMerge => "/admin/v1/pools/{pool}/users/{user}/merge",
        AdminIdentities => "/admin/v1/pools/{pool}/identities",
        AdminDelete => "/admin/v1/pools/{pool}/identities/delete",
        AdminIdentity => "/admin/v1/pools/{pool}/identities/{identity}",
        AdminIdentityUser => "/admin/v1/pools/{pool}/identities/{identity}/users/{user}",
        Other => "other",
    }
);

label!(
    /// Why an entry left the cache.
    EvictionCause {
        Expired => "expired",
        /// The cache was full.
        Size => "size",
        /// The user's entries were purged.
        Invalidated => "invalidated",
    }
);

label!(
    /// Why a circuit breaker opened.
    CircuitOpenCause {
        /// Cognito throttled a call.
        Throttled => "throttled",
        /// Consecutive calls failed.
        Failures => "failures",
    }
);

label!(
    /// Outcome of a fetch of signing keys.
    FetchOutcome {
        Fetched => "fetched",
        /// The key set could not be fetched or parsed; the previous one stays in use.
        Failed => "failed",
    }
);

label!(
    /// Outcome of a request to link a login or a guest to its user's identity.
    LinkOutcome {
        Linked => "linked",
        /// The pool's configuration does not allow it.
        NotAllowed => "not_allowed",
        /// A login or a guest's token is not accepted.
        InvalidProof => "invalid_proof",
        /// The user, the login or the guest belongs to another identity.
        Conflict => "conflict",
        /// Two requests linked the same guest at the same time; this one was rolled back.
        RolledBack => "rolled_back",
        /// As before, but the rollback failed: two users share an identity. An operator must unlink one.
        RollbackFailed => "rollback_failed",
        /// An error of the service or of Cognito.
        Failed => "failed",
    }
);

label!(
    /// The listeners, by their names in the configuration.
    ListenerName {
        Http => "http",
        Admin => "admin",
    }
);

label!(
    /// Outcome of a TLS handshake.
    HandshakeOutcome {
        Completed => "completed",
        /// The peers share no version or cipher, or one rejected the other's certificate.
        Failed => "failed",
        /// The client did not speak TLS.
        NotTls => "not_tls",
        TimedOut => "timed_out",
    }
);

label!(
    /// Outcome of a reload of changed certificate files.
    ReloadOutcome {
        Replaced => "replaced",
        /// The files are invalid; the previous certificate stays in use.
        Rejected => "rejected",
    }
);
