// Runs before every test file: decorators need their metadata store, and a failure that nobody awaits must fail the run.
import 'reflect-metadata';
