// Signs an admin key in: it is exchanged for a cookie that no script sees, and kept nowhere in the page.
import { useEffect, useState } from 'preact/hooks';
import { change, Refused, SIGN_IN_PATH } from '../shared/api.js';
import { Field } from '../shared/field.js';
import { ProblemNote } from '../shared/notes.js';

export function SignInPage({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const [key, setKey] = useState('');
  const [isWorking, setIsWorking] = useState(false);
  const [refusal, setRefusal] = useState<Refused | null>(null);
  useEffect(() => {
    document.title = 'Sign in – Peerkeep';
  }, []);
  const signIn = async (event: Event): Promise<void> => {
    event.preventDefault();
    setIsWorking(true);
    try {
      await change('POST', SIGN_IN_PATH, { key: key.trim() });
      onSignedIn();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setRefusal(error);
      setIsWorking(false);
    }
  };
  return (
    <main class="sign-in">
      <h1>Peerkeep operator</h1>
      <p class="lead">Sign in with an admin key. The session lasts eight hours, and ends with the key.</p>
      {refusal !== null && <ProblemNote refusal={refusal} />}
      <form class="panel" onSubmit={(event) => void signIn(event)}>
        <Field
          label="Admin key"
          type="password"
          autocomplete="current-password"
          value={key}
          onInput={setKey}
          isRequired
        />
        <button type="submit" disabled={isWorking}>
          Sign in
        </button>
      </form>
      <p class="fine">
        Keys are made on the broker's machine: <code>peerkeep-server admin-key create</code>
      </p>
    </main>
  );
}
